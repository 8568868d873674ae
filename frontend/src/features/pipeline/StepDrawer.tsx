import { CodeBlock } from '../../components/ui/Code';
import { CopyButton } from '../../components/ui/CopyField';
import { Drawer } from '../../components/ui/Drawer';
import { Section } from '../../components/ui/Facts';
import { Icon } from '../../components/ui/Icon';
import { Badge } from '../../components/ui/StatusBadge';
import { draftOf, type Schema } from './fields';
import { StepField } from './StepField';
import { isEdited, type Planned, problemsOf, stepYaml } from './steps';

type Props = { step: Planned; onChange: (changes: Partial<Planned>) => void; onClose: () => void };

/** A step's settings as a form that changes nothing but the lines below it. */
export function StepDrawer({ step, onChange, onClose }: Props) {
  const { was, fields, draft, enabled } = step;
  const problems = new Map(problemsOf(step));
  const yaml = stepYaml(step);
  const about = meaning(was.schema as Schema);
  return (
    <Drawer
      title={was.name}
      description={
        <span class="mt-1 flex flex-wrap items-center gap-2">
          {isEdited(step) ? (
            <Badge tone="warning">Changed only here</Badge>
          ) : (
            <Badge tone="quiet">As it runs</Badge>
          )}
          {about && <About text={about} />}
        </span>
      }
      onClose={onClose}
      footer={
        <>
          {isEdited(step) && (
            <button
              type="button"
              class="btn"
              onClick={() => onChange({ enabled: was.enabled, draft: draftOf(fields, was.config as Schema) })}
            >
              <Icon name="undo" />
              As it runs
            </button>
          )}
          <CopyButton text={yaml} label="Copy as YAML" primary />
        </>
      }
    >
      <div class="grid grid-cols-1 gap-5">
        <Section title="Settings">
          <div class="grid grid-cols-1 gap-4">
            <label class="flex min-h-6 items-center gap-2.5 text-sm max-sm:min-h-11">
              <input
                type="checkbox"
                class="toggle toggle-sm toggle-primary"
                checked={enabled}
                onChange={(event) => onChange({ enabled: event.currentTarget.checked })}
              />
              Enabled
            </label>
            {fields.map((field) => (
              <StepField
                key={field.name}
                field={field}
                text={draft[field.name] ?? ''}
                problem={problems.get(field.name)}
                onChange={(text) => onChange({ draft: { ...draft, [field.name]: text } })}
              />
            ))}
            {fields.length === 0 && <p class="muted text-sm">There is nothing else to set.</p>}
          </div>
        </Section>
        <Section title="In pouch.yaml, under middlewares">
          <CodeBlock code={yaml} label={`YAML of ${was.name}`} />
          <p class="muted mt-2 text-xs">
            Defaults are left out, and what the file fills in from <code>$&#123;…&#125;</code> stands as it is
            filled in. <code>pouch check</code> tells whether the file is right.
          </p>
        </Section>
      </div>
    </Drawer>
  );
}

const meaning = ({ description }: Schema): string =>
  typeof description === 'string' ? description.replace(/\s+/g, ' ').trim() : '';

/** A docstring, in which what stands between two pairs of backticks is code. */
const About = ({ text }: { text: string }) => (
  <span class="min-w-0 wrap-anywhere">
    {text.split('``').map((part, place) => (place % 2 ? <code key={place}>{part}</code> : part))}
  </span>
);
