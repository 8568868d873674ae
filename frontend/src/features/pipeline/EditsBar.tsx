import { Icon } from '../../components/ui/Icon';
import { Badge } from '../../components/ui/StatusBadge';
import { plural } from '../../lib/format';
import { dangers, type Planned } from './steps';

type Props = {
  steps: Planned[];
  edited: number;
  moved: boolean;
  onDiscard: () => void;
  onShowYaml: () => void;
};

/** Says that the file is the only truth, or that what is shown is not in it yet. */
export function EditsBar({ steps, edited, moved, onDiscard, onShowYaml }: Props) {
  const changed = edited > 0 || moved;
  const warnings = dangers(steps);
  return (
    <div
      class={`card-surface flex flex-wrap items-center gap-x-4 gap-y-3 px-4 py-3 text-sm sm:px-5 ${changed ? 'border-warning' : ''}`}
      role="status"
    >
      <div class="min-w-0 flex-1 basis-64">
        {changed ? (
          <p>
            <Badge tone="warning">Only here</Badge> <span class="font-medium">{said(edited, moved)}.</span>{' '}
            <span class="muted">
              Nothing is sent to the gateway: copy the lines into <code>pouch.yaml</code> and start it again.
            </span>
          </p>
        ) : (
          <p>
            <span class="font-medium">The file stays the only truth.</span>{' '}
            <span class="muted">
              Try an order or a setting here, and copy it as the lines for <code>pouch.yaml</code>.
            </span>
          </p>
        )}
        {changed &&
          warnings.map((warning) => (
            <p key={warning} class="mt-1.5 flex items-start gap-2">
              <Icon name="warning" size={15} class="mt-0.5 text-warning-content dark:text-warning" />
              <span class="min-w-0 wrap-anywhere">{warning}</span>
            </p>
          ))}
      </div>
      <div class="flex flex-wrap gap-2 max-sm:w-full max-sm:*:flex-1">
        {changed && (
          <button type="button" class="btn btn-sm max-sm:h-11" onClick={onDiscard}>
            <Icon name="undo" size={14} />
            Discard
          </button>
        )}
        <button
          type="button"
          class={`btn btn-sm max-sm:h-11 ${changed ? 'btn-primary' : ''}`}
          onClick={onShowYaml}
        >
          <Icon name="copy" size={14} />
          Pipeline as YAML
        </button>
      </div>
    </div>
  );
}

function said(edited: number, moved: boolean): string {
  const parts = [edited > 0 && `${plural(edited, 'step')} changed`, moved && 'the order is another'].filter(
    Boolean,
  );
  const text = parts.join(', ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}
