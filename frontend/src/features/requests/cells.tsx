/** What a request looks like wherever it is shown. */
import { Money } from '../../components/ui/Money';
import { Badge, HttpStatus } from '../../components/ui/StatusBadge';
import { compact, duration, integer, UNKNOWN } from '../../lib/format';
import type { LoggedRequest } from './requests';
import { settlement } from './story';
import { errorInWords, evidence } from './words';

export function EvidenceBadge({ code }: { code: string }) {
  const { tone, word, why } = evidence(code);
  return (
    <Badge tone={tone} title={why}>
      {word}
    </Badge>
  );
}

/** What was reserved, what was charged, and what became of the difference. */
export function ReservedAndSettled({ request }: { request: LoggedRequest }) {
  const { reserved, cost, givenBack, over, refunded } = settlement(request);
  if (reserved === null && request.evidence !== 'free' && Number(cost) === 0)
    return <span class="muted">nothing reserved</span>;
  return (
    <div class="num leading-tight">
      <div class="whitespace-nowrap">
        {reserved !== null && (
          <>
            <Money usd={reserved} class="muted" />
            <span class="muted" aria-hidden="true">
              {' → '}
            </span>
            <span class="sr-only"> reserved, settled at </span>
          </>
        )}
        <Money usd={cost} class="font-medium" />
      </div>
      {givenBack !== null && (
        <div class="muted mt-0.5 text-xs">
          <Money usd={givenBack} /> given back
        </div>
      )}
      {over !== null && (
        <div class="mt-0.5 text-xs text-error">
          <Money usd={over} /> over
        </div>
      )}
      {refunded !== null && (
        <div class="mt-0.5 text-xs text-info">
          <Money usd={refunded} /> refunded
        </div>
      )}
    </div>
  );
}

export function Tokens({ usage }: { usage: LoggedRequest['usage'] }) {
  if (usage === null) return <span class="muted">{UNKNOWN}</span>;
  const { input_tokens: input, output_tokens: output } = usage;
  return (
    <span class="whitespace-nowrap" title={`${integer(input)} in, ${integer(output)} out`}>
      {compact(input)}
      <span class="muted"> in </span>
      {compact(output)}
      <span class="muted"> out</span>
    </span>
  );
}

/** The HTTP status, and in words what went wrong. */
export function Outcome({ request }: { request: LoggedRequest }) {
  return (
    <div class="leading-tight max-md:text-right">
      <HttpStatus status={request.status} />
      {request.error !== null && (
        <div class="muted mt-0.5 max-w-32 text-xs wrap-anywhere">{errorInWords(request.error)}</div>
      )}
    </div>
  );
}

/** Whole milliseconds: 0 of them is less than one. */
export const took = (ms: number | null): string => (ms === 0 ? '<1 ms' : duration(ms));

/** The key by the name that it has now; by its id if that is not known. */
export const keyName = (request: LoggedRequest): string => request.key_name ?? request.key;
