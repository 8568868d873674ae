import { Icon } from '../../components/ui/Icon';
import { StepCard } from './StepCard';
import { moved, type Planned, type Step } from './steps';

type Props = {
  steps: Planned[];
  /** What is measured of each step, by its position in the file. */
  figures: Map<number, Step>;
  onReorder: (steps: Planned[]) => void;
  onChange: (position: number, changes: Partial<Planned>) => void;
};

/** The steps from the client down to the provider, the outermost first. */
export function Chain({ steps, figures, onReorder, onChange }: Props) {
  return (
    <div class="grid grid-cols-1">
      <End icon="keys">A request comes in, with its key</End>
      <ol class="grid grid-cols-1" aria-label="Steps">
        {steps.map((step, place) => (
          <li key={step.was.position} class="grid grid-cols-1">
            <Line />
            <StepCard
              step={step}
              figures={figures.get(step.was.position) ?? step.was}
              isFirst={place === 0}
              isLast={place === steps.length - 1}
              place={place}
              onMove={(by) => onReorder(moved(steps, place, by))}
              onToggle={() => onChange(step.was.position, { enabled: !step.enabled })}
            />
          </li>
        ))}
      </ol>
      <Line />
      <End icon="providers">The provider is asked, and its answer goes back the same way</End>
    </div>
  );
}

const Line = () => <div class="ml-8 h-4 w-px bg-base-content/25" aria-hidden="true" />;

function End({ icon, children }: { icon: 'keys' | 'providers'; children: string }) {
  return (
    <div class="muted flex items-center gap-3 px-4 text-sm">
      <span class="grid size-8 shrink-0 place-items-center rounded-full border border-base-300 bg-base-100">
        <Icon name={icon} size={15} />
      </span>
      {children}
    </div>
  );
}
