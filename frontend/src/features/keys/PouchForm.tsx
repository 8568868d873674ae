import { useState } from 'preact/hooks';
import { Dialog } from '../../components/ui/Dialog';
import { Field, FormError } from '../../components/ui/Field';
import { SubmitButton } from '../../components/ui/SubmitButton';
import { messageOf, type Schemas } from '../../lib/api/client';
import { useUniqueId } from '../../lib/useUniqueId';
import { BudgetFields } from './BudgetFields';
import { changePouch, createPouch, type Pouch } from './keys';
import { PouchSelect } from './PouchSelect';
import { budgetBody, budgetDraft, budgetPatch, budgetProblems, NO_BUDGET } from './terms';

type Props = { pouch?: Pouch; parent?: string; onDone: (said: string) => void; onClose: () => void };

/** Makes or changes a pouch that keys and other pouches draw on. */
export function PouchForm({ pouch, parent: givenParent, onDone, onClose }: Props) {
  const form = useUniqueId();
  const before = pouch ? budgetDraft(pouch) : { ...NO_BUDGET, limit: '50.00' };
  const [name, setName] = useState(pouch?.name ?? '');
  const [budget, setBudget] = useState(before);
  const [parent, setParent] = useState(pouch?.parent ?? givenParent ?? '');
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);

  const send = async () => {
    if (!pouch) {
      await createPouch({ name: name.trim(), budget: budgetBody(budget), pouch: parent || null });
      return;
    }
    const patch: Schemas['PouchPatch'] = {};
    const changed = budgetPatch(before, budget);
    if (name.trim() !== pouch.name) patch.name = name.trim();
    if (changed) patch.budget = changed;
    if (parent !== (pouch.parent ?? '')) patch.pouch = parent || null;
    if (Object.keys(patch).length) await changePouch(pouch.id, patch);
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    setTried(true);
    setProblem(null);
    if (!name.trim() || Object.keys(budgetProblems(budget)).length) return;
    setBusy(true);
    try {
      await send();
      onDone(pouch ? `“${name.trim()}” is saved.` : `The pouch “${name.trim()}” is made.`);
    } catch (failure) {
      setProblem(messageOf(failure));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={pouch ? `Edit the pouch “${pouch.name}”` : 'Create a pouch'}
      description="A budget that keys and other pouches share; a request must fit all that it lies in."
      onClose={onClose}
      footer={
        <>
          <button type="button" class="btn" onClick={onClose}>
            Cancel
          </button>
          <SubmitButton form={form} busy={busy}>
            {pouch ? 'Save' : 'Create pouch'}
          </SubmitButton>
        </>
      }
    >
      <form id={form} onSubmit={submit} noValidate class="grid grid-cols-1 gap-5">
        <Field label="Name" error={tried && !name.trim() ? 'A name is required.' : null}>
          {(ids) => (
            <input
              {...ids}
              class="input w-full"
              placeholder="Engineering"
              maxLength={50}
              autocomplete="off"
              autofocus
              value={name}
              onInput={(event) => setName(event.currentTarget.value)}
            />
          )}
        </Field>
        <BudgetFields draft={budget} onChange={setBudget} showProblems={tried} />
        <PouchSelect chosen={parent} without={pouch?.id} onChange={setParent} />
        <FormError message={problem} />
      </form>
    </Dialog>
  );
}
