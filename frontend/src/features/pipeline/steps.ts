/** The pipeline as it is, what one has changed of it here, and the lines that would make it so. */
import type { Schemas } from '../../lib/api/client';
import { type Draft, draftOf, type FieldSpec, fieldsOf, problemOf, type Schema, valuesOf } from './fields';
import { entry, listItem } from './yaml';

export type Step = Schemas['StepObject'];

/** A step as it would stand in pouch.yaml. `was` is what the gateway runs. */
export type Planned = { was: Step; fields: FieldSpec[]; enabled: boolean; draft: Draft };

export const plan = (steps: Step[]): Planned[] =>
  steps.map((was) => {
    const fields = fieldsOf(was.schema as Schema);
    return { was, fields, enabled: was.enabled, draft: draftOf(fields, was.config as Schema) };
  });

/** Whether the lines of a step would differ from those of the file. */
export const isEdited = (step: Planned): boolean => step.enabled !== step.was.enabled || hasOtherFields(step);

export function hasOtherFields({ was, fields, draft }: Planned): boolean {
  const before = draftOf(fields, was.config as Schema);
  return fields.some(({ name }) => (draft[name] ?? '') !== before[name]);
}

export const isMoved = (steps: Planned[]): boolean =>
  steps.some((step, place) => step.was.position !== place);

/** With the step at `place` one further out, or in. */
export function moved(steps: Planned[], place: number, by: -1 | 1): Planned[] {
  const [step, other] = [steps[place], steps[place + by]];
  if (!step || !other) return steps;
  return steps.map((each, at) => (at === place ? other : at === place + by ? step : each));
}

export const problemsOf = ({ fields, draft }: Planned): [string, string][] =>
  fields.flatMap((field): [string, string][] => {
    const problem = problemOf(field, draft[field.name] ?? '');
    return problem ? [[field.name, problem]] : [];
  });

/** A step as an item of the list `middlewares`, with what differs from the defaults. */
export function stepLines(step: Planned): string[] {
  const { was, fields, enabled, draft } = step;
  return listItem([
    ...entry('use', was.use),
    ...(was.name === was.use ? [] : entry('name', was.name)),
    ...(enabled ? [] : entry('enabled', false)),
    ...valuesOf(fields, draft).flatMap(([name, value]) => entry(name, value)),
    ...fields
      .filter(({ kind }) => kind === 'secret')
      .map(({ name }) => `# ${name}: it is not shown here; keep the line that pouch.yaml has`),
  ]);
}

/** Indented as in pouch.yaml, to be put under `middlewares:`. */
export const stepYaml = (step: Planned): string =>
  stepLines(step)
    .map((line) => `  ${line}`)
    .join('\n');

export const pipelineYaml = (steps: Planned[]): string => ['middlewares:', ...steps.map(stepYaml)].join('\n');

/** Why the gateway would not start with these steps, as far as it can be told here. */
export function dangers(steps: Planned[]): string[] {
  const on = steps.filter((step) => step.enabled);
  const reserving = on.findIndex((step) => step.was.reserves);
  if (reserving < 0)
    return [
      'No step that is on reserves money: with models that cost something the gateway would not start.',
    ];
  return on
    .slice(0, reserving)
    .filter((step) => step.was.calls_upstream)
    .map((step) => `“${step.was.name}” calls a provider before anything is reserved.`);
}
