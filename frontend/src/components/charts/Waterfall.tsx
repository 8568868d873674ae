import type { ComponentChildren } from 'preact';

export type WaterfallBar = {
  id: string;
  name: ComponentChildren;
  /** In percent of the width. `own` is the part of the bar, in percent of it, that is drawn solid. */
  left: number;
  width: number;
  own: number;
  color: string;
  /** Goes on beyond the right edge. */
  goesOn?: boolean;
  /** How long, in words. */
  time: string;
  title: string;
};

type Props = { label: string; bars: WaterfallBar[]; start: string; end: string };

/** What happened when, one line each, on one scale. */
export function Waterfall({ label, bars, start, end }: Props) {
  return (
    <div class="text-sm">
      <ol class="grid grid-cols-1 gap-1.5" aria-label={label}>
        {bars.map((bar) => (
          <li
            key={bar.id}
            class="grid grid-cols-[minmax(6rem,11.5rem)_1fr_4.5rem] items-center gap-3 max-sm:grid-cols-[1fr_4.5rem] max-sm:gap-y-1"
            title={bar.title}
          >
            <span class="min-w-0 truncate max-sm:col-start-1">{bar.name}</span>
            <span
              class="relative h-3.5 overflow-hidden rounded-xs bg-base-200 max-sm:col-span-2 max-sm:row-start-2"
              aria-hidden="true"
            >
              <span
                class="absolute inset-y-0 overflow-hidden rounded-xs"
                style={{
                  left: `${bar.left}%`,
                  width: `${bar.width}%`,
                  background: `color-mix(in oklab, ${bar.color} 30%, transparent)`,
                  maskImage: bar.goesOn ? 'linear-gradient(to right, black 80%, transparent)' : undefined,
                }}
              >
                <span class="block h-full" style={{ width: `${bar.own}%`, background: bar.color }} />
              </span>
            </span>
            <span class="num text-right whitespace-nowrap">{bar.time}</span>
          </li>
        ))}
      </ol>
      <div
        class="muted num mt-1.5 grid grid-cols-[minmax(6rem,11.5rem)_1fr_4.5rem] gap-3 text-xs max-sm:grid-cols-1"
        aria-hidden="true"
      >
        <span class="max-sm:hidden" />
        <span class="flex justify-between border-t border-base-300 pt-1">
          <span>{start}</span>
          <span>{end}</span>
        </span>
      </div>
    </div>
  );
}
