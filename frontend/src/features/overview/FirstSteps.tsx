import type { ComponentChildren } from 'preact';
import { Snippets } from '../../components/ui/Code';
import { Icon } from '../../components/ui/Icon';
import { Money } from '../../components/ui/Money';
import { HttpStatus } from '../../components/ui/StatusBadge';
import { useResource } from '../../lib/api/useResource';
import { snippets } from '../../lib/snippets';
import { asked } from '../keys/dialogs';
import type { LoggedRequest } from '../requests/requests';
import { modelToTry, type Overview } from './overview';

/** Stands in the examples where the key belongs; a real one is shown once, elsewhere. */
const YOUR_KEY = 'pouch-YOUR-KEY';

type Props = { now: Overview; first: LoggedRequest | null; onDone: () => void };

/** From an empty gateway to its first answer: a key, an example to paste, and the request as it arrives. */
export function FirstSteps({ now, first, onDone }: Props) {
  const hasKey = now.keys > 0;
  const model = useResource('model', modelToTry);
  return (
    <section class="card-surface" aria-labelledby="first-steps">
      <div class="border-b border-base-300 px-4 py-4 sm:px-6">
        <h2 id="first-steps" class="text-base font-semibold">
          Three steps to the first request
        </h2>
        <p class="muted mt-0.5 text-sm">
          The gateway is running. Whatever can speak to OpenAI can speak to it.
        </p>
      </div>
      <ol class="divide-y divide-base-300">
        <Step number={1} title="Create a key" isDone={hasKey}>
          <p class="muted text-sm">
            {hasKey ? 'There is one already: the first start prints one. ' : ''}Each application gets its own,
            with a budget that holds. A key is shown once: copy it then.
          </p>
          <button
            type="button"
            class={`btn btn-sm mt-3 max-sm:h-11 ${hasKey ? '' : 'btn-primary'}`}
            onClick={() => (asked.value = { kind: 'create' })}
          >
            <Icon name="plus" size={14} />
            {hasKey ? 'Create another key' : 'Create key'}
          </button>
        </Step>
        <Step number={2} title="Send a request with it" isDone={first !== null}>
          <p class="muted mb-3 text-sm">
            Put the key in place of <code>{YOUR_KEY}</code>. In an application that you have, it is enough to
            change the base URL to <code class="wrap-anywhere">{location.origin}/v1</code>
          </p>
          <Snippets label="Language" snippets={snippets(location.origin, YOUR_KEY, model.data ?? 'mock')} />
        </Step>
        <Step number={3} title="Watch it arrive" isDone={first !== null}>
          <div aria-live="polite">
            {first === null ? (
              <p class="muted flex items-center gap-2.5 text-sm">
                <span class="relative flex size-2.5" aria-hidden="true">
                  <span class="absolute size-full rounded-full bg-primary/60 motion-safe:animate-ping" />
                  <span class="size-2.5 rounded-full bg-primary" />
                </span>
                Waiting for the first request; it shows up here by itself.
              </p>
            ) : (
              <Arrived first={first} onDone={onDone} />
            )}
          </div>
        </Step>
      </ol>
    </section>
  );
}

function Arrived({ first, onDone }: { first: LoggedRequest; onDone: () => void }) {
  return (
    <div class="flex flex-wrap items-center gap-3 text-sm">
      <HttpStatus status={first.status} />
      <span class="min-w-0 wrap-anywhere">
        {first.status < 400 ? 'It is here' : 'It is here, though it failed'}: {first.model}, for{' '}
        <Money usd={first.cost_usd} class="font-medium" />.
      </span>
      <a class="link" href={`/requests?id=${encodeURIComponent(first.id)}`}>
        Its whole story
      </a>
      <button type="button" class="btn btn-sm btn-primary max-sm:h-11" onClick={onDone}>
        Show the overview
      </button>
    </div>
  );
}

type StepProps = { number: number; title: string; isDone: boolean; children: ComponentChildren };

const Step = ({ number, title, isDone, children }: StepProps) => (
  <li class="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 px-4 py-5 sm:px-6">
    <span
      class={`num grid size-7 place-items-center rounded-full text-sm font-semibold ${
        isDone ? 'bg-success/15 text-success' : 'bg-base-200'
      }`}
    >
      {isDone ? <Icon name="check" size={15} /> : number}
    </span>
    <div class="min-w-0">
      <h3 class="mb-1 text-sm leading-7 font-semibold">
        {title}
        {isDone && <span class="sr-only">: done</span>}
      </h3>
      {children}
    </div>
  </li>
);
