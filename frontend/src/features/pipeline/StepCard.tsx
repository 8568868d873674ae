import { Icon } from '../../components/ui/Icon';
import { Badge } from '../../components/ui/StatusBadge';
import { duration, integer } from '../../lib/format';
import { setParams, withParams } from '../../lib/urlState';
import { valuesOf } from './fields';
import { isEdited, type Planned, problemsOf, type Step } from './steps';
import { entry } from './yaml';

type Props = {
  step: Planned;
  figures: Step;
  place: number;
  isFirst: boolean;
  isLast: boolean;
  onMove: (by: -1 | 1) => void;
  onToggle: () => void;
};

/** One step: what it does, how it is set, and how it has fared. */
export function StepCard({ step, figures, place, isFirst, isLast, onMove, onToggle }: Props) {
  const { was, enabled } = step;
  const open = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    setParams({ step: was.name }, 'push');
  };
  return (
    <section
      class={`card-surface relative grid grid-cols-[minmax(0,1fr)_auto] items-start gap-x-4 gap-y-3 px-4 py-3 lg:grid-cols-[minmax(0,1fr)_auto_auto] ${enabled ? '' : 'border-dashed'} ${isEdited(step) ? 'border-warning' : ''}`}
      aria-label={was.name}
    >
      <div class="flex min-w-0 items-start gap-3">
        <span
          class={`num grid size-8 shrink-0 place-items-center rounded-full text-sm font-semibold ${enabled ? 'bg-primary/10 text-primary' : 'bg-base-200 text-base-content/80'}`}
          aria-hidden="true"
        >
          {place + 1}
        </span>
        <div class="min-w-0 flex-1">
          <div class="flex flex-wrap items-center gap-x-2 gap-y-1 pt-1">
            <a
              href={`/pipeline${withParams({ step: was.name })}`}
              class="font-medium wrap-anywhere after:absolute after:inset-0 hover:underline"
              onClick={open}
            >
              {was.name}
            </a>
            {was.use !== was.name && <span class="muted text-sm wrap-anywhere">uses {was.use}</span>}
            {!enabled && <Badge tone="quiet">Off</Badge>}
            {was.reserves && (
              <Badge tone="good" title="It reserves the most that a request can cost, before it is sent.">
                Reserves
              </Badge>
            )}
            {was.calls_upstream && (
              <Badge tone="info" title="It may call a provider by itself.">
                Calls providers
              </Badge>
            )}
            {isEdited(step) && <Badge tone="warning">Changed only here</Badge>}
            {problemsOf(step).length > 0 && <Badge tone="bad">Has mistakes</Badge>}
          </div>
          <Settings step={step} />
        </div>
      </div>
      <Figures of={figures} />
      <div class="relative z-10 col-start-2 row-start-1 -mr-2 flex items-center max-sm:-mt-1 lg:col-start-3">
        <Move icon="up" label={`Move ${was.name} further out`} off={isFirst} onMove={() => onMove(-1)} />
        <Move icon="down" label={`Move ${was.name} further in`} off={isLast} onMove={() => onMove(1)} />
        <label class="flex items-center justify-center max-sm:size-11 sm:ml-2 sm:mr-2">
          <span class="sr-only">{was.name} is on</span>
          <input
            type="checkbox"
            class="toggle toggle-sm toggle-primary"
            checked={enabled}
            onChange={onToggle}
          />
        </label>
      </div>
    </section>
  );
}

function Move({
  icon,
  label,
  off,
  onMove,
}: {
  icon: 'up' | 'down';
  label: string;
  off: boolean;
  onMove: () => void;
}) {
  return (
    <button
      type="button"
      class="btn btn-ghost btn-sm btn-square max-sm:size-11"
      aria-label={label}
      disabled={off}
      onClick={onMove}
    >
      <Icon name={icon} size={15} />
    </button>
  );
}

/** What differs from the defaults, as the file has it. */
function Settings({ step }: { step: Planned }) {
  const lines = valuesOf(step.fields, step.draft).flatMap(([name, value]) => entry(name, value));
  if (lines.length === 0) {
    const said = step.fields.length ? 'With its defaults.' : 'There is nothing to set.';
    return <p class="muted mt-1 text-sm">{said}</p>;
  }
  return (
    <pre class="muted mt-1 max-h-24 overflow-hidden font-mono text-xs leading-relaxed wrap-anywhere whitespace-pre-wrap">
      {lines.join('\n')}
    </pre>
  );
}

function Figures({ of }: { of: Step }) {
  const figures: [string, string, string?][] = [
    [
      'p50',
      duration(of.p50_ms),
      'Half of its calls took no longer, with the steps within it and the provider.',
    ],
    [
      'p95',
      duration(of.p95_ms),
      '95 % of its calls took no longer, with the steps within it and the provider.',
    ],
    ['Own p50', duration(of.own_p50_ms), 'Its own part of that, without the steps within it.'],
    ['Calls', integer(of.calls)],
    ['Refusals', integer(of.refusals)],
  ];
  return (
    <dl class="col-span-2 grid grid-cols-3 gap-x-4 gap-y-2 border-t border-base-300 pt-2.5 sm:grid-cols-5 sm:pl-11 lg:col-span-1 lg:col-start-2 lg:row-start-1 lg:grid-cols-[repeat(5,4rem)] lg:border-0 lg:p-0 lg:text-right">
      {figures.map(([name, value, why]) => (
        <div key={name} title={why}>
          <dt class="muted text-xs">{name}</dt>
          <dd class={`num text-sm ${name === 'Refusals' && of.refusals > 0 ? 'font-medium' : ''}`}>
            {value}
          </dd>
        </div>
      ))}
    </dl>
  );
}
