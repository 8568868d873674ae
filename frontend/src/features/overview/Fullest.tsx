import { BudgetBar } from '../../components/ui/BudgetBar';
import { Card } from '../../components/ui/Card';
import { EmptyState } from '../../components/ui/EmptyState';
import type { Overview } from './overview';

type Full = Overview['fullest'][number];

/** The pouches nearest their limit, worst first. */
export function Fullest({ pouches }: { pouches: Full[] }) {
  return (
    <Card
      title="Nearest their limit"
      flush
      actions={
        <a class="link text-sm" href="/keys?sort=fullest">
          All keys
        </a>
      }
    >
      <div class="border-t border-base-300">
        {pouches.length === 0 ? (
          <EmptyState
            icon="pouch"
            title="No pouch has a limit"
            action={
              <a class="btn btn-sm max-sm:h-11" href="/keys">
                Give a key a budget
              </a>
            }
          >
            A key with a budget is stopped where it ends; without one, nothing stops it.
          </EmptyState>
        ) : (
          <ul class="divide-y divide-base-300">
            {pouches.map((full) => (
              <Row key={full.pouch.id} full={full} />
            ))}
          </ul>
        )}
      </div>
    </Card>
  );
}

function Row({ full: { pouch, key } }: { full: Full }) {
  const href = key ? `/keys?id=${encodeURIComponent(key.id)}` : '/keys?view=pouches';
  return (
    <li class="relative px-4 py-3 hover:bg-base-200/70 sm:px-5">
      <div class="mb-1 flex items-baseline justify-between gap-3 text-sm">
        <a href={href} class="min-w-0 truncate font-medium after:absolute after:inset-0">
          {key?.name ?? pouch.name}
        </a>
        <span class="muted shrink-0 text-xs">{key ? 'key' : 'pouch'}</span>
      </div>
      <BudgetBar balance={pouch} label={`Budget of ${key?.name ?? pouch.name}`} detailed />
    </li>
  );
}
