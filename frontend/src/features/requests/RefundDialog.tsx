import { useState } from 'preact/hooks';
import { ConfirmDialog } from '../../components/ui/ConfirmDialog';
import { Field } from '../../components/ui/Field';
import { Money } from '../../components/ui/Money';
import { toast } from '../../components/ui/Toasts';
import { usd } from '../../lib/money';
import { refundRequest, type Story } from './requests';

type Props = { story: Story; left: string; onDone: () => void; onClose: () => void };

/** Gives back what a request was charged, all of it or a part, for a reason that stays in the books. */
export function RefundDialog({ story, left, onDone, onClose }: Props) {
  const [amount, setAmount] = useState(left);
  const [reason, setReason] = useState('');
  const refund = async () => {
    const given = amount.trim();
    const part = given === left ? {} : { amount_usd: given };
    await refundRequest(story.id, { reason: reason.trim(), ...part });
    toast(`${/^\d+(\.\d{1,9})?$/.test(given) ? usd(given) : given} refunded.`);
    onDone();
  };
  return (
    <ConfirmDialog title="Refund this request?" act="Refund" onConfirm={refund} onClose={onClose}>
      <div class="grid grid-cols-1 gap-4">
        <p>
          <Money usd={left} class="font-medium" /> of what it was charged can be given back. The ledger keeps
          the charge and gets an entry for the refund in every pouch that was charged.
        </p>
        <Field label="Amount in USD">
          {(ids) => (
            <input
              {...ids}
              class="input w-full"
              inputMode="decimal"
              autocomplete="off"
              required
              value={amount}
              onInput={(event) => setAmount(event.currentTarget.value)}
            />
          )}
        </Field>
        <Field label="Reason" hint="It stands in the ledger, for whoever asks later.">
          {(ids) => (
            <input
              {...ids}
              class="input w-full"
              autocomplete="off"
              required
              maxLength={500}
              value={reason}
              onInput={(event) => setReason(event.currentTarget.value)}
            />
          )}
        </Field>
      </div>
    </ConfirmDialog>
  );
}
