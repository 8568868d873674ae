import { useState } from 'preact/hooks';
import { Snippets } from '../../components/ui/Code';
import { CopyField } from '../../components/ui/CopyField';
import { Dialog } from '../../components/ui/Dialog';
import { Icon } from '../../components/ui/Icon';
import { useResource } from '../../lib/api/useResource';
import { snippets } from '../../lib/snippets';
import { type IssuedKey, modelsAndProviders } from './keys';

type Props = { issued: IssuedKey; title: string; onClose: () => void };

/** Shows a key, this once. It closes only by the one button, and only after a copy or a word that it is kept. */
export function SecretDialog({ issued, title, onClose }: Props) {
  const [kept, setKept] = useState(false);
  const { data } = useResource('models', modelsAndProviders);
  const named = issued.models?.find((name) => !/[*?[]/.test(name));
  const model = named ?? data?.models[0] ?? 'mock';
  return (
    <Dialog
      title={title}
      description="Any OpenAI client can use it."
      dismissable={false}
      onClose={onClose}
      footer={
        <>
          <label class="flex flex-1 items-center gap-2 text-sm max-sm:min-h-11 max-sm:basis-full">
            <input
              type="checkbox"
              class="checkbox checkbox-sm"
              checked={kept}
              onChange={(event) => setKept(event.currentTarget.checked)}
            />
            I have saved it
          </label>
          <button type="button" class="btn btn-primary" disabled={!kept} onClick={onClose}>
            Done
          </button>
        </>
      }
    >
      <div class="grid grid-cols-1 gap-5">
        <div>
          <CopyField value={issued.key} label="The key" onCopied={() => setKept(true)} />
          <p class="mt-3 flex items-start gap-2 text-sm">
            <Icon name="warning" class="mt-0.5 text-warning-content dark:text-warning" />
            <span>
              <strong class="font-semibold">It is shown this once.</strong> Only its hash is stored, so nobody
              can show it again; a lost key can be rotated.
            </span>
          </p>
        </div>
        <Snippets label="Language" snippets={snippets(location.origin, issued.key, model)} />
      </div>
    </Dialog>
  );
}
