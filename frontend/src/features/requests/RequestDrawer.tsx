import { useState } from 'preact/hooks';
import { CopyButton } from '../../components/ui/CopyField';
import { Drawer } from '../../components/ui/Drawer';
import { ErrorState } from '../../components/ui/ErrorState';
import { Facts, Section } from '../../components/ui/Facts';
import { Icon } from '../../components/ui/Icon';
import { Skeleton } from '../../components/ui/Skeleton';
import { HttpStatus } from '../../components/ui/StatusBadge';
import { Ago } from '../../components/ui/Time';
import { useResource } from '../../lib/api/useResource';
import { integer, moment } from '../../lib/format';
import { Attempts } from './Attempts';
import { keyName, took } from './cells';
import { MoneyStory } from './MoneyStory';
import { RefundDialog } from './RefundDialog';
import { type Story, showRequest } from './requests';
import { refundable } from './story';
import { TimeStory } from './TimeStory';
import { errorInWords } from './words';

type Props = { id: string; onChanged: () => void; onClose: () => void };

/** One request: what it was refused for, its money, its time, its entries in the books. */
export function RequestDrawer({ id, onChanged, onClose }: Props) {
  const request = useResource(id, (signal) => showRequest(id, signal));
  const [refunding, setRefunding] = useState(false);
  const { data: story, error } = request;
  if (!story) {
    return (
      <Drawer title="Request" onClose={onClose}>
        {error ? <ErrorState error={error} what="the request" onRetry={request.reload} /> : <Loading />}
      </Drawer>
    );
  }
  const left = refundable(story);
  return (
    <>
      <Drawer
        title={story.model}
        description={
          <span class="mt-1 flex flex-wrap items-center gap-x-2 gap-y-1">
            <HttpStatus status={story.status} />
            <a class="link wrap-anywhere" href={`/keys?id=${encodeURIComponent(story.key)}`}>
              {keyName(story)}
            </a>
            <Ago at={story.started_at} />
          </span>
        }
        onClose={onClose}
        footer={
          <>
            <CopyButton text={story.id} label="Copy id" />
            {left !== null && (
              <button type="button" class="btn btn-sm max-sm:h-11" onClick={() => setRefunding(true)}>
                <Icon name="undo" size={14} />
                Refund
              </button>
            )}
          </>
        }
      >
        <div class="grid grid-cols-1 gap-5">
          {(story.error !== null || story.reason !== null) && <Refusal story={story} />}
          <Section title="Money">
            <MoneyStory story={story} />
          </Section>
          <Section title="Time" actions={<span class="muted num text-sm">{took(story.latency_ms)}</span>}>
            <TimeStory story={story} />
          </Section>
          <Section title="Ledger">
            <Attempts attempts={story.attempts} />
          </Section>
          <Section title="Request">
            <Facts facts={facts(story)} />
          </Section>
        </div>
      </Drawer>
      {refunding && left !== null && (
        <RefundDialog
          story={story}
          left={left}
          onDone={() => {
            setRefunding(false);
            void request.reload();
            onChanged();
          }}
          onClose={() => setRefunding(false)}
        />
      )}
    </>
  );
}

function Refusal({ story }: { story: Story }) {
  const { error, reason, refused_by: step } = story;
  return (
    <div class="flex items-start gap-3 rounded-field bg-error/10 px-3 py-2.5 text-sm">
      <Icon name="error" class="mt-0.5 text-error" />
      <div class="min-w-0 flex-1">
        <p class="font-medium">
          {error === null ? 'Refused' : errorInWords(error)}
          {step !== null && <span class="muted font-normal"> by the step {step}</span>}
        </p>
        {reason !== null && <p class="mt-0.5 whitespace-pre-wrap wrap-anywhere">{reason}</p>}
        {error !== null && (
          <a class="link mt-1 inline-block text-sm" href={`/requests?error=${encodeURIComponent(error)}`}>
            Others that ended so
          </a>
        )}
      </div>
    </div>
  );
}

function facts(story: Story): Parameters<typeof Facts>[0]['facts'] {
  const { usage } = story;
  return [
    ['Began', moment(story.started_at)],
    ['Provider', story.provider],
    ['Endpoint', <code key="endpoint">{story.endpoint}</code>],
    ['Answer', story.stream ? 'as a stream' : 'in one piece'],
    ['First byte', took(story.first_byte_ms)],
    ['Input tokens', integer(usage?.input_tokens)],
    ['Output tokens', integer(usage?.output_tokens)],
    ['Id', <code key="id">{story.id}</code>],
  ];
}

const Loading = () => (
  <div class="grid gap-4" aria-busy="true">
    <Skeleton class="h-16 w-full" />
    <Skeleton class="h-40 w-full" />
    <Skeleton class="h-32 w-full" />
  </div>
);
