import { Waterfall, type WaterfallBar } from '../../components/charts/Waterfall';
import { duration } from '../../lib/format';
import { took } from './cells';
import type { Story } from './requests';
import { place, type TimeBar, timeline } from './story';

const COLOURS = { step: 'var(--chart-1)', answer: 'var(--chart-2)', reservation: 'var(--chart-3)' };

/** Where the time went: each step, the stream, and how long money was reserved. */
export function TimeStory({ story }: { story: Story }) {
  const drawn = timeline(story);
  if (drawn === null)
    return <p class="muted text-sm">Its process ended before it could tell how long each step took.</p>;
  const last = story.steps?.at(-1)?.name;
  const bars = drawn.bars.map((bar, number): WaterfallBar => {
    const isLastStep = bar.kind === 'step' && bar.name === last;
    const { left, width, own } = place(bar, drawn.total);
    const words = inWords(bar, story, isLastStep);
    return {
      id: `${number}`,
      name: words.name,
      left,
      width,
      own,
      color: COLOURS[bar.kind],
      goesOn: bar.goesOn,
      time: words.time,
      title: words.title,
    };
  });
  return (
    <>
      <Waterfall label="Where the time went" bars={bars} start="0 ms" end={duration(drawn.total)} />
      <p class="muted mt-2 text-xs">
        Solid is a step’s own time, pale the steps inside it.
        {story.first_byte_ms !== null && ` The answer began after ${took(story.first_byte_ms)}.`}
      </p>
    </>
  );
}

function inWords(bar: TimeBar, story: Story, isLastStep: boolean) {
  const whole = duration(bar.to - bar.from);
  if (bar.kind === 'answer')
    return { name: 'answer streams', time: whole, title: `The answer streamed for ${whole}` };
  if (bar.kind === 'reservation') {
    if (bar.goesOn)
      return { name: bar.name, time: 'longer', title: 'Money was reserved for longer than is drawn' };
    return { name: bar.name, time: whole, title: `Money was reserved for ${whole}` };
  }
  const own = duration(bar.ownTo - bar.from);
  const refused = story.refused_by === bar.name;
  const waits = isLastStep && story.refused_by === null ? ', the wait for the provider among it' : '';
  return {
    name: (
      <>
        {bar.name}
        {refused && <span class="ml-1.5 text-xs font-medium text-error">refused</span>}
        {waits && <span class="muted"> + provider</span>}
      </>
    ),
    time: own,
    title: `${bar.name}: ${own} of its own${waits}; ${whole} with the steps inside it`,
  };
}
