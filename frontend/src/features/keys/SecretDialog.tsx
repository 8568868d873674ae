import { Snippets } from '../../components/ui/Code';
import { ShownOnceDialog } from '../../components/ui/ShownOnceDialog';
import { useResource } from '../../lib/api/useResource';
import { snippets } from '../../lib/snippets';
import { type IssuedKey, modelsAndProviders } from './keys';

type Props = { issued: IssuedKey; title: string; onClose: () => void };

/** Shows a key, this once, and how to use it. */
export function SecretDialog({ issued, title, onClose }: Props) {
  const { data } = useResource('models', modelsAndProviders);
  const named = issued.models?.find((name) => !/[*?[]/.test(name));
  const model = named ?? data?.models[0] ?? 'mock';
  return (
    <ShownOnceDialog
      title={title}
      description="Any OpenAI client can use it."
      label="The key"
      secret={issued.key}
      lost="; a lost key can be rotated."
      onClose={onClose}
    >
      <Snippets label="Language" snippets={snippets(location.origin, issued.key, model)} />
    </ShownOnceDialog>
  );
}
