import { Icon } from '../../components/ui/Icon';
import { Money } from '../../components/ui/Money';
import type { Resource } from '../../lib/api/useResource';
import { integer } from '../../lib/format';
import { isZero } from '../../lib/money';
import type { Quote } from './cost';

/** What would be reserved for the request as it stands, or why it would be refused. */
export function QuoteLine({ quote }: { quote: Resource<Quote> }) {
  const { data, error } = quote;
  if (error) return <Note>What it would cost is not known: {error.message}</Note>;
  if (!data) return <Note>What it would cost shows here once it is written.</Note>;
  if (!data.admitted) {
    return (
      <div class="flex items-start gap-2 rounded-field bg-warning/10 px-3 py-2 text-sm">
        <Icon name="warning" class="mt-0.5" size={15} />
        <span class="min-w-0 wrap-anywhere whitespace-pre-wrap">
          It would be refused: {String(data.refusal?.message ?? 'no reason is known')}
        </span>
      </div>
    );
  }
  if (data.most_usd !== null && isZero(data.most_usd)) return <Note>This model costs nothing.</Note>;
  return (
    <Note>
      Reserves at most <Money usd={data.most_usd} class="font-medium text-base-content" />
      {data.likely_usd !== null && (
        <>
          , likely costs about <Money usd={data.likely_usd} class="font-medium text-base-content" />
        </>
      )}
      . Input at most {integer(data.input_tokens)} tokens, output {integer(data.max_output_tokens)}.
    </Note>
  );
}

const Note = ({ children }: { children: preact.ComponentChildren }) => (
  <p class="muted rounded-field bg-base-200 px-3 py-2 text-sm">{children}</p>
);
