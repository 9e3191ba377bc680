// Checked by the compiler, never run: what is typed, and what is refused.
import { Boatyard, type Row } from '../src/index.js';

const boatyard = new Boatyard({ token: 'secret' });
const path = { projectId: 'shop', serviceId: 'web' };
const builds = '/v1/projects/{projectId}/services/{serviceId}/build';

export async function typed(): Promise<string[]> {
  const { plans } = await boatyard.get('/v1/plans');
  const ids: string[] = plans.map((plan) => plan.id);
  for await (const build of boatyard.list(builds, { params: { path, query: { per_page: 100 } } })) {
    const status: Row<typeof builds>['status'] = build.status;
    if (status === 'SUCCESS') ids.push(build.id);
    // @ts-expect-error: there is no such status.
    if (status === 'DONE') ids.push(build.id);
  }
  return ids;
}

export async function refused(): Promise<void> {
  // @ts-expect-error: there is no such call.
  await boatyard.get('/v1/nothing');
  // @ts-expect-error: the path has parameters.
  await boatyard.get(builds);
  // @ts-expect-error: a sha is text.
  await boatyard.post(builds, { params: { path }, body: { sha: 1 } });
  // @ts-expect-error: one plan is no list.
  boatyard.list('/v1/plans');
}
