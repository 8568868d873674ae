import { Card } from '../../components/ui/Card';
import { CodeBlock } from '../../components/ui/Code';
import { CopyButton } from '../../components/ui/CopyField';
import { plural } from '../../lib/format';
import { linesToPrice, type Price, type Unpriced } from './prices';

const NAMED_MAX = 8;

/** Models that nothing prices, with the lines that would. */
export function UnpricedCard({ unpriced }: { unpriced: Price[] }) {
  const models = unpriced as Unpriced[];
  const lines = linesToPrice(models);
  const named = models.slice(0, NAMED_MAX).map(({ name }) => name);
  const more = models.length - named.length;
  return (
    <Card
      title={`${plural(models.length, 'model')} without a price`}
      actions={<CopyButton text={`${lines}\n`} label="Copy the lines" />}
    >
      <div class="grid grid-cols-1 gap-3 text-sm">
        <p class="wrap-anywhere">
          <span class="font-medium">{named.join(', ')}</span>
          {more > 0 && ` and ${more} more`} {models.length === 1 ? 'is' : 'are'} refused, since nothing could
          bound the cost. Put these lines into <code>pouch.yaml</code>, with USD per million tokens in place
          of the question marks.
        </p>
        <CodeBlock code={lines} label="YAML that prices them" />
      </div>
    </Card>
  );
}
