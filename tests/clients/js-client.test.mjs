// The published JavaScript client, unmodified: create, start, tail, wait, list, abort, errors.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { ApiClient, ApiClientInMemoryContextProvider } from '@northflank/js-client';

const { BOATYARD_HOST: host, BOATYARD_TOKEN: token, BOATYARD_REPOSITORY: projectUrl } = process.env;

async function client(options = {}, apiToken = token) {
  const contexts = new ApiClientInMemoryContextProvider();
  await contexts.addContext({ name: 'local', token: apiToken, host });
  return new ApiClient(contexts, options);
}

const api = await client({ throwErrorOnHttpErrorCode: true });
const parameters = { projectId: 'new-project', serviceId: 'example-service' };

/** Asks until the build is over. */
async function ended(buildId) {
  for (;;) {
    const { data } = await api.get.service.build({ parameters: { ...parameters, buildId } });
    if (data.concluded) return data;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test('a project and a build service are made, changed and read', async () => {
  const project = await api.create.project({
    data: { name: 'New Project', description: 'This is a new project.', region: 'local' },
  });
  assert.equal(project.data.id, 'new-project');
  const service = await api.create.service.build({
    parameters: { projectId: 'new-project' },
    data: {
      name: 'Example Service',
      billing: { deploymentPlan: 'nf-compute-100-2' },
      vcsData: { projectUrl, projectType: 'self-hosted' },
      buildSettings: { dockerfile: { dockerFilePath: '/Dockerfile', dockerWorkDir: '/' } },
    },
  });
  assert.equal(service.data.id, 'example-service');
  const patched = await api.patch.service.build({ parameters, data: { description: 'Better words' } });
  assert.equal(patched.data.description, 'Better words');
  const read = await api.get.service({ parameters });
  assert.equal(read.data.serviceType, 'build');
  const { data } = await api.list.services({ parameters });
  assert.deepEqual(data.services.map(({ id }) => id), ['example-service']);
  assert.equal((await api.list.projects({})).data.projects.length, 1);
  assert.ok((await api.list.plans({})).data.plans.length > 0);
  assert.equal((await api.list.regions({})).data.regions[0].id, 'local');
});

let first;

test('a build is started, tailed to its end, and succeeds', async () => {
  const started = await api.start.service.build({ parameters, data: { branch: 'main' } });
  first = started.data.id;
  assert.match(first, /^[a-z]+-[a-z]+-\d{4}$/);
  const tail = await api.get.service.buildLogTail({
    parameters,
    options: { buildId: first, startTime: new Date(0) },
  });
  const lines = [];
  tail.on('logs-received', (received) => lines.push(...received.map(({ log }) => log)));
  const closed = once(tail, 'close');
  await tail.start();
  await closed;
  const ticks = lines.filter((line) => /^tick \d$/.test(line));
  assert.deepEqual(ticks, ['tick 1', 'tick 2', 'tick 3'], lines.join('\n'));
  const build = await ended(first);
  assert.equal(build.status, 'SUCCESS', lines.join('\n'));
  assert.equal(build.message, 'Image successfully built');
  assert.match(build.sha, /^[0-9a-f]{40}$/);
  assert.ok(build.registry.uri.includes('new-project/example-service'));
  const range = await api.get.service.buildLogs({ parameters, options: { buildId: first } });
  assert.deepEqual(range.data.map(({ log }) => log), lines, 'the range shows what the tail showed');
  assert.ok(range.data[0].ts);
});

test('the list is the same by page, by cursor and with all', async () => {
  const { sha } = await ended(first);
  for (let i = 0; i < 4; i += 1) {
    const { data } = await api.start.service.build({ parameters, data: { branch: 'main', sha } });
    await api.abort.service.build({ parameters: { ...parameters, buildId: data.id } });
    assert.equal((await ended(data.id)).status, 'ABORTED');
  }
  const all = await api.get.service.builds.all({ parameters, options: { per_page: 2 } });
  const ids = all.data.builds.map(({ id }) => id);
  assert.equal(ids.length, 5);
  assert.equal(ids.at(-1), first);
  const byCursor = [];
  let page = await api.get.service.builds({ parameters, options: { per_page: 2 } });
  for (;;) {
    byCursor.push(...page.data.builds.map(({ id }) => id));
    if (!page.pagination.hasNextPage) break;
    assert.ok(page.pagination.cursor);
    page = await page.pagination.getNextPage();
  }
  assert.equal(page.pagination.cursor, undefined);
  assert.deepEqual(byCursor, ids);
  const second = await api.get.service.builds({ parameters, options: { per_page: 2, page: 2 } });
  assert.deepEqual(second.data.builds.map(({ id }) => id), ids.slice(2, 4));
});

test('errors carry status, id and details', async () => {
  await assert.rejects(
    api.get.service.build({ parameters: { ...parameters, buildId: 'no-such-1234' } }),
    (error) => error.status === 404 && typeof error.id === 'string',
  );
  await assert.rejects(
    api.create.project({ data: { name: 'x' } }),
    (error) => error.status === 400 && error.details[0].field === 'name',
  );
  const stranger = await client({}, 'boatyard_guess');
  const refused = await stranger.list.projects({});
  assert.equal(refused.error.status, 401);
});

test('everything is deleted again', async () => {
  await api.delete.service({ parameters });
  await api.delete.project({ parameters: { projectId: 'new-project' } });
  assert.equal((await api.list.projects({})).data.projects.length, 0);
});
