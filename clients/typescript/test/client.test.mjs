// The client against a live server: typed calls, lists, a tail, cancellation, errors.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Boatyard, BoatyardError } from '../dist/index.js';

const { BOATYARD_HOST: url, BOATYARD_TOKEN: token, BOATYARD_REPOSITORY: projectUrl } = process.env;
const boatyard = new Boatyard({ url, token });
const SERVICE = '/v1/projects/{projectId}/services/{serviceId}';
const path = { projectId: 'typed-project', serviceId: 'typed-service' };

const start = (body) => boatyard.post(`${SERVICE}/build`, { params: { path }, body });
const get = (buildId) => boatyard.get(`${SERVICE}/build/{buildId}`, { params: { path: { ...path, buildId } } });

async function rows(iterator) {
  const rows = [];
  for await (const row of iterator) rows.push(row);
  return rows;
}

test('a project and a service are made and read', async () => {
  const project = await boatyard.post('/v1/projects', { body: { name: 'Typed Project' } });
  assert.equal(project.id, 'typed-project');
  const service = await boatyard.post('/v1/projects/{projectId}/services/build', {
    params: { path },
    body: {
      name: 'Typed Service',
      vcsData: { projectUrl, projectType: 'self-hosted' },
      buildSettings: { dockerfile: { dockerFilePath: '/Dockerfile', dockerWorkDir: '/' } },
    },
  });
  assert.equal(service.id, path.serviceId);
  assert.equal((await boatyard.get('/v1/plans')).plans.length > 0, true);
});

test('a build is followed to its end, and its lines are those of the log', async () => {
  const { id } = await start({ branch: 'main' });
  const lines = await rows(boatyard.tail({ ...path, buildId: id }, { lineLimit: 1000 }));
  assert.ok(lines.some(({ log }) => log.includes('built for the typed client')));
  assert.ok(lines.every(({ containerId }) => containerId === id));
  const build = await get(id);
  assert.deepEqual([build.status, build.success], ['SUCCESS', true]);
  const query = { buildId: id, lineLimit: 10000 };
  const range = await boatyard.get(`${SERVICE}/build-logs`, { params: { path, query } });
  assert.deepEqual(range.map(({ log }) => log), lines.map(({ log }) => log));
});

test('lists are walked row by row and page by page, and left in the middle', async () => {
  const list = { params: { path, query: { per_page: 1 } } };
  const { id } = await start({ sha: '0123456789'.repeat(4) });
  const all = await rows(boatyard.list(`${SERVICE}/build`, list));
  assert.equal(all.length, 2);
  assert.equal(all[0].id, id);
  const pages = await rows(boatyard.pages(`${SERVICE}/build`, list));
  assert.deepEqual(pages.map((page) => page.length), [1, 1]);
  for await (const build of boatyard.list(`${SERVICE}/build`, list)) {
    assert.equal(build.id, id);
    break;
  }
});

test('a refusal is an error with status, id and fields', async () => {
  const refused = await start({ branch: 'main', sha: 'no sha' }).catch((error) => error);
  assert.ok(refused instanceof BoatyardError);
  assert.equal(refused.status, 400);
  assert.equal(refused.id, 'invalid-request');
  assert.deepEqual(refused.details.map(({ field }) => field), ['sha']);
  const missing = await get('none-such-1234').catch((error) => error);
  assert.deepEqual([missing.status, missing.id], [404, 'not-found']);
  const stranger = new Boatyard({ url, token: async () => 'boatyard_guess' });
  await assert.rejects(stranger.get('/v1/projects'), { status: 401 });
  await assert.rejects(rows(stranger.tail(path)), { name: 'BoatyardError', status: 401 });
  const nobody = new Boatyard({ url: 'http://127.0.0.1:1', token });
  await assert.rejects(nobody.get('/v1/plans'), TypeError);
});

test('calls and tails are cancelled', async () => {
  const over = AbortSignal.abort(new Error('enough'));
  await assert.rejects(boatyard.get('/v1/plans', { signal: over }), { message: 'enough' });
  const { id } = await start({ branch: 'main', overrides: { buildArguments: { LASTING: '1' } } });
  const stop = new AbortController();
  await assert.rejects(async () => {
    for await (const { log } of boatyard.tail({ ...path, buildId: id }, { signal: stop.signal, lineLimit: 1000 })) {
      if (log.includes('it lasts')) stop.abort(new Error('seen enough'));
    }
  }, { message: 'seen enough' });
  await boatyard.delete(`${SERVICE}/build/{buildId}`, { params: { path: { ...path, buildId: id } } });
  assert.equal((await get(id)).status, 'ABORTED');
});
