import { useState } from 'preact/hooks';
import { CopyButton } from './CopyField';
import { Tabs } from './Tabs';

export type Snippet = { id: string; title: string; code: string };

/** The same example in several languages; the one that is shown can be copied. */
export function Snippets({ snippets, label }: { snippets: Snippet[]; label: string }) {
  const [chosen, setChosen] = useState(snippets[0]?.id ?? '');
  const shown = snippets.find((snippet) => snippet.id === chosen) ?? snippets[0];
  if (!shown) return null;
  return (
    <div class="min-w-0">
      <div class="mb-2 flex flex-wrap items-center justify-between gap-2">
        <Tabs label={label} tabs={snippets} chosen={shown.id} onChoose={setChosen} />
        <CopyButton text={shown.code} />
      </div>
      <CodeBlock code={shown.code} label={`${shown.title} example`} />
    </div>
  );
}

export function CodeBlock({ code, label }: { code: string; label: string }) {
  return (
    <pre
      class="overflow-x-auto rounded-field border border-base-300 bg-base-200 p-3 font-mono text-xs leading-relaxed"
      tabIndex={0}
      role="region"
      aria-label={label}
    >
      <code>{code}</code>
    </pre>
  );
}
