import { useEffect, useState } from 'preact/hooks';
import { EmptyState } from '../../components/ui/EmptyState';
import { ErrorState, StaleNote } from '../../components/ui/ErrorState';
import { PageHeader } from '../../components/ui/PageHeader';
import { Skeleton } from '../../components/ui/Skeleton';
import { api, ok } from '../../lib/api/client';
import { useResource } from '../../lib/api/useResource';
import { dayOf, plural } from '../../lib/format';
import { pageAt } from '../../lib/nav';
import { param, setParams } from '../../lib/urlState';
import { Chain } from './Chain';
import { EditsBar } from './EditsBar';
import { StepDrawer } from './StepDrawer';
import { isEdited, isMoved, type Planned, plan, type Step } from './steps';
import { YamlDialog } from './YamlDialog';

const PAGE = pageAt('/pipeline');
const POLL_MS = 15_000;

type Report = { data: Step[]; over: number; since: string | null };

export default function PipelinePage() {
  const pipeline = useResource<Report>('pipeline', (signal) => ok(api.GET('/api/pipeline', { signal })), {
    pollMs: POLL_MS,
  });
  const { data, error } = pipeline;
  return (
    <div class="grid grid-cols-1 gap-6">
      <PageHeader title={PAGE.title} description={PAGE.description} />
      {data === null ? (
        <div class="card-surface">
          {error ? <ErrorState error={error} what="the pipeline" onRetry={pipeline.reload} /> : <Loading />}
        </div>
      ) : (
        <>
          {error && (
            <div class="card-surface overflow-hidden">
              <StaleNote error={error} loadedAt={pipeline.loadedAt} onRetry={pipeline.reload} />
            </div>
          )}
          {data.data.length === 0 ? (
            <div class="card-surface">
              <EmptyState icon="pipeline" title="No steps">
                <code>pouch.yaml</code> has no <code>middlewares</code>, so requests go to their providers as
                they are.
              </EmptyState>
            </div>
          ) : (
            <Pipeline report={data} />
          )}
        </>
      )}
    </div>
  );
}

function Pipeline({ report }: { report: Report }) {
  // What the gateway runs changes only when it starts anew; its figures change all the time.
  const configured = JSON.stringify(report.data.map(({ use, enabled, config }) => [use, enabled, config]));
  const [steps, setSteps] = useState<Planned[]>(() => plan(report.data));
  const [showsYaml, setShowsYaml] = useState(false);
  useEffect(() => setSteps(plan(report.data)), [configured]);
  const figures = new Map(report.data.map((step) => [step.position, step]));
  const change = (position: number, changes: Partial<Planned>) =>
    setSteps(steps.map((step) => (step.was.position === position ? { ...step, ...changes } : step)));
  const edited = steps.filter(isEdited).length;
  const open = steps.find(({ was }) => was.name === param('step'));
  return (
    <>
      <EditsBar
        steps={steps}
        edited={edited}
        moved={isMoved(steps)}
        onDiscard={() => setSteps(plan(report.data))}
        onShowYaml={() => setShowsYaml(true)}
      />
      <Chain steps={steps} figures={figures} onReorder={setSteps} onChange={change} />
      <p class="muted text-sm">{measured(report)}</p>
      {open && (
        <StepDrawer
          key={open.was.position}
          step={open}
          onChange={(changes) => change(open.was.position, changes)}
          onClose={() => setParams({ step: null }, 'push')}
        />
      )}
      {showsYaml && <YamlDialog steps={steps} onClose={() => setShowsYaml(false)} />}
    </>
  );
}

function measured({ over, since }: Report): string {
  if (over === 0) return 'No request has passed yet, so nothing is known of times.';
  const from = since ? `, the oldest of ${dayOf(since)}` : '';
  return `Figures are of the newest ${plural(over, 'request')}${from}. p50 and p95 include the steps within and the provider, own does not.`;
}

const Loading = () => (
  <div class="grid gap-4 p-5" aria-busy="true">
    <Skeleton class="h-14 w-full" />
    <Skeleton class="h-14 w-full" />
    <Skeleton class="h-14 w-full" />
  </div>
);
