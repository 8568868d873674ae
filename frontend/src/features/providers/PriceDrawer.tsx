import { Drawer } from '../../components/ui/Drawer';
import { Facts, Section } from '../../components/ui/Facts';
import { Money } from '../../components/ui/Money';
import { integer } from '../../lib/format';
import { sourceInWords } from '../requests/words';
import { ownRates, type Priced, type Rates } from './prices';

/** Every rate of one model. */
export function PriceDrawer({ price, onClose }: { price: Priced; onClose: () => void }) {
  return (
    <Drawer title={price.name} description="USD per million tokens" onClose={onClose}>
      <div class="grid grid-cols-1 gap-5">
        <Section title="Rates">
          <RateFacts rates={price.rates} />
          <p class="muted mt-3 text-xs">
            What has no rate of its own is billed by the dearer one of its side.
          </p>
        </Section>
        {price.tiers.map(({ above_input_tokens, rates }) => (
          <Section key={above_input_tokens} title={`Above ${integer(above_input_tokens)} tokens of input`}>
            <RateFacts rates={rates} />
          </Section>
        ))}
        {Object.entries(price.service_tiers).map(([name, rates]) => (
          <Section key={name} title={`Service tier ${name}`}>
            <RateFacts rates={rates} />
          </Section>
        ))}
        <Section title="Model">
          <Facts
            facts={[
              ['Leads to', `${price.provider}/${price.model}`],
              ['Price from', sourceInWords(price.source)],
              [
                'Most output',
                price.max_output_tokens === null ? 'not known' : `${integer(price.max_output_tokens)} tokens`,
              ],
              [
                'Context',
                price.context_window === null ? 'not known' : `${integer(price.context_window)} tokens`,
              ],
            ]}
          />
        </Section>
      </div>
    </Drawer>
  );
}

const RateFacts = ({ rates }: { rates: Rates }) => (
  <Facts facts={ownRates(rates).map(([name, rate]) => [name, <Money key={name} usd={rate} />])} />
);
