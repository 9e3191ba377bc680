// Where the stories happen: one project with one service, built once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, ids, refused } from './recorder.mjs';

const { BOATYARD_REPOSITORY: projectUrl } = process.env;

export const place = { projectId: 'every-call', serviceId: 'image' };

/** A service's body. */
export const service = (name, more = {}) => ({
  name,
  billing: { buildPlan: 'nf-compute-50' },
  vcsData: { projectUrl, projectType: 'self-hosted' },
  buildSettings: { dockerfile: { dockerFilePath: '/Dockerfile', dockerWorkDir: '/' } },
  ...more,
});

/** Asks until the build is over. */
export async function ended(buildId, parameters = place) {
  for (;;) {
    const { data } = await api.get.service.build({ parameters: { ...parameters, buildId } });
    if (data.concluded) return data;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Starts a build and waits for its end. */
export async function build(data, parameters = place) {
  const started = await api.start.service.build({ parameters, data });
  return ended(started.data.id, parameters);
}

/** The text of a build's log. */
export async function logOf(buildId, parameters = place) {
  const { data } = await api.get.service.buildLogs({ parameters, options: { buildId, lineLimit: 10000 } });
  return data.map(({ log }) => log).join('\n');
}

test('a project and a service are made', async () => {
  await api.create.project({ data: { name: 'Every Call', region: 'local' } });
  await api.create.service.build({ parameters: place, data: service('Image') });
});

test('projects: list, put, patch, get, delete', async () => {
  const second = { name: 'Second Place', description: 'made' };
  assert.equal((await api.put.project({ data: second })).data.id, 'second-place');
  const changed = await api.patch.project({ parameters: { projectId: 'second-place' }, data: { color: '#abc' } });
  assert.equal(changed.data.color, '#abc');
  assert.equal((await api.get.project({ parameters: { projectId: 'second-place' } })).data.description, 'made');
  const listed = await api.list.projects.all({});
  assert.deepEqual(ids(listed.data.projects), ['every-call', 'second-place']);
  await api.delete.project({ parameters: { projectId: 'second-place' } });
  assert.equal(await refused(api.get.project({ parameters: { projectId: 'second-place' } })), 404);
});

test('services: list, put, patch, get, delete', async () => {
  const second = { ...place, serviceId: 'second' };
  await api.put.service.build({ parameters: place, data: service('Second') });
  await api.patch.service.build({ parameters: second, data: { description: 'changed' } });
  assert.equal((await api.get.service({ parameters: second })).data.description, 'changed');
  assert.deepEqual(ids((await api.list.services.all({ parameters: place })).data.services), ['image', 'second']);
  await api.delete.service({ parameters: second });
  assert.equal(await refused(api.get.service({ parameters: second })), 404);
});

test('the server: plans and regions', async () => {
  assert.ok((await api.list.plans({})).data.plans.some(({ id }) => id === 'nf-compute-50'));
  assert.deepEqual(ids((await api.list.regions({})).data.regions), ['local']);
  assert.deepEqual(ids((await api.list.cloud.regions.all({})).data.providers), ['local']);
});
