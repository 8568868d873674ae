import { PageHeader } from '../../components/ui/PageHeader';
import { api, ok } from '../../lib/api/client';
import { useResource } from '../../lib/api/useResource';
import { pageAt } from '../../lib/nav';
import { param, setParams } from '../../lib/urlState';
import { PriceDrawer } from './PriceDrawer';
import { PriceList } from './PriceList';
import { ProviderList } from './ProviderList';
import { isPriced, type Price } from './prices';
import { UnpricedCard } from './UnpricedCard';

const PAGE = pageAt('/providers');

export default function ProvidersPage() {
  const providers = useResource(
    'providers',
    async (signal) => (await ok(api.GET('/api/providers', { signal }))).data,
  );
  const prices = useResource<Price[]>(
    'prices',
    async (signal) => (await ok(api.GET('/api/prices', { signal }))).data,
  );
  const unpriced = prices.data?.filter((price) => !isPriced(price)) ?? [];
  const name = param('model');
  const open = prices.data?.filter(isPriced).find((price) => price.name === name);
  return (
    <div class="grid grid-cols-1 gap-6">
      <PageHeader title={PAGE.title} description={PAGE.description} />
      <ProviderList providers={providers} />
      {unpriced.length > 0 && <UnpricedCard unpriced={unpriced} />}
      <PriceList prices={prices} />
      {open && <PriceDrawer price={open} onClose={() => setParams({ model: null }, 'push')} />}
    </div>
  );
}
