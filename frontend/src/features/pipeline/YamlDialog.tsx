import { CodeBlock } from '../../components/ui/Code';
import { CopyButton } from '../../components/ui/CopyField';
import { Dialog } from '../../components/ui/Dialog';
import { Icon } from '../../components/ui/Icon';
import { dangers, type Planned, pipelineYaml, problemsOf } from './steps';

type Props = { steps: Planned[]; onClose: () => void };

/** The whole section of pouch.yaml as it would be with what is changed here. */
export function YamlDialog({ steps, onClose }: Props) {
  const yaml = pipelineYaml(steps);
  const mistaken = steps.filter((step) => problemsOf(step).length > 0).map(({ was }) => was.name);
  const warnings = [...dangers(steps), ...mistaken.map((name) => `“${name}” has mistakes.`)];
  return (
    <Dialog
      title="The pipeline as YAML"
      description={
        <>
          In place of the section <code>middlewares</code> of <code>pouch.yaml</code>.
        </>
      }
      width="wide"
      onClose={onClose}
      footer={
        <>
          <button type="button" class="btn" onClick={onClose}>
            Close
          </button>
          <CopyButton text={`${yaml}\n`} label="Copy as YAML" primary />
        </>
      }
    >
      <div class="grid grid-cols-1 gap-3">
        {warnings.map((warning) => (
          <p key={warning} class="flex items-start gap-2 rounded-field bg-warning/10 px-3 py-2 text-sm">
            <Icon name="warning" size={15} class="mt-0.5" />
            <span class="min-w-0 wrap-anywhere">{warning}</span>
          </p>
        ))}
        <CodeBlock code={yaml} label="YAML of the pipeline" />
        <p class="muted text-xs">
          Defaults are left out, and comments of the file are not here. <code>pouch check</code> tells whether
          it is right; the gateway reads it when it starts.
        </p>
      </div>
    </Dialog>
  );
}
