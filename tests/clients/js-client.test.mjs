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

test('put creates and replaces, get reads, with and without the team', async () => {
  const project = { name: 'Second Project', description: 'made', region: 'local' };
  const place = { projectId: 'second-project', serviceId: 'put-service' };
  const service = (description) => ({
    name: 'Put Service',
    description,
    billing: { buildPlan: 'nf-compute-50' },
    vcsData: { projectUrl, projectType: 'self-hosted' },
    buildSettings: { dockerfile: { dockerFilePath: '/Dockerfile', dockerWorkDir: '/' } },
    buildArguments: { KEY: 'value' },
  });
  assert.equal((await api.put.project({ data: project })).data.id, place.projectId);
  await api.put.project({ data: { ...project, description: 'replaced' } });
  const patched = await api.patch.project({ parameters: place, data: { color: '#EF233C' } });
  assert.equal(patched.data.color, '#EF233C');
  const read = await api.get.project({ parameters: place });
  assert.equal(read.data.description, 'replaced');

  await api.put.service.build({ parameters: place, data: service('made') });
  const replaced = await api.put.service.build({ parameters: place, data: service('replaced') });
  assert.equal(replaced.data.description, 'replaced');
  const team = { ...place, teamId: 'default' };
  const ofTeam = await api.get.service({ parameters: team });
  assert.deepEqual(ofTeam.data, (await api.get.service({ parameters: place })).data);
  assert.equal(ofTeam.data.billing.buildPlan, 'nf-compute-50');
  assert.deepEqual(ofTeam.data.buildArguments, { KEY: 'value' });
  assert.equal((await api.list.projects.all({ options: { per_page: 1 } })).data.projects.length, 2);
  const regions = await api.list.cloud.regions({});
  assert.equal(regions.data.providers[0].id, 'local');

  const started = await api.start.service.build({ parameters: team, data: { branch: 'main' } });
  const buildId = started.data.id;
  const builds = await api.get.service.builds({ parameters: team });
  assert.deepEqual(builds.data.builds.map(({ id }) => id), [buildId]);
  await api.abort.service.build({ parameters: { ...team, buildId } });
  const aborted = await api.get.service.build({ parameters: { ...team, buildId } });
  assert.equal(aborted.data.status, 'ABORTED');
  await assert.rejects(api.delete.project({ parameters: place }), { status: 409 });
  await api.delete.service({ parameters: team });
  await api.delete.project({ parameters: place });
});

test('a running build is aborted, and its tail ends', async () => {
  const data = { branch: 'main', overrides: { buildArguments: { LASTING: 'yes' } } };
  const { data: { id: buildId } } = await api.start.service.build({ parameters, data });
  const tail = await api.get.service.buildLogTail({
    parameters,
    options: { buildId, startTime: new Date(0), textIncludes: 'it lasts' },
  });
  const lines = [];
  const running = new Promise((resolve) => {
    tail.on('logs-received', (received) => {
      lines.push(...received.map(({ log }) => log));
      if (lines.includes('it lasts')) resolve();
    });
  });
  const closed = once(tail, 'close');
  // It resolves when the tail is over.
  const over = tail.start();
  await running;
  assert.equal((await api.get.service.build({ parameters: { ...parameters, buildId } })).data.status, 'BUILDING');
  await api.abort.service.build({ parameters: { ...parameters, buildId } });
  await Promise.all([over, closed]);
  assert.ok(lines.every((line) => line.includes('it lasts')), 'the filter holds for a tail');
  const build = await ended(buildId);
  assert.deepEqual([build.status, build.success], ['ABORTED', false]);
});

test('a range is filtered, limited and turned around', async () => {
  const range = async (options) => {
    const { data } = await api.get.service.buildLogs({ parameters, options: { buildId: first, ...options } });
    return data.map(({ log }) => log);
  };
  const ticks = ['tick 1', 'tick 2', 'tick 3'];
  const regexIncludes = '^tick [0-9]$';
  assert.deepEqual(await range({ regexIncludes }), ticks);
  assert.deepEqual(await range({ regexIncludes, direction: 'backward', lineLimit: 2 }), ['tick 3', 'tick 2']);
  const without = await range({ textNotIncludes: 'tick' });
  assert.ok(without.length > 0 && without.every((line) => !line.includes('tick')));
  const { data } = await api.get.service.buildLogs({ parameters, options: { buildId: first, regexIncludes } });
  const second = new Date(data[1].ts);
  assert.deepEqual(await range({ regexIncludes, startTime: second, duration: 3600 }), ticks.slice(1));
  assert.deepEqual(await range({ endTime: new Date('2020-01-01T00:00:00Z') }), []);
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
