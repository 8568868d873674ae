import { UNKNOWN } from '../../lib/format';
import { usd, usdExact } from '../../lib/money';

/** An amount for reading, with every digit of it when one points at it. Null is unknown. */
export function Money({ usd: amount, class: cls = '' }: { usd: string | null; class?: string }) {
  if (amount === null) return <span class={`num ${cls}`}>{UNKNOWN}</span>;
  const [shown, exact] = [usd(amount), usdExact(amount)];
  return (
    <span class={`num whitespace-nowrap ${cls}`} title={shown === exact ? undefined : exact}>
      {shown}
    </span>
  );
}
