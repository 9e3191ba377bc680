// Builds, their logs and metrics, and what a service builds from.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { api, ids, refused } from './recorder.mjs';
import { build, ended, logOf, place } from './place.mjs';

test('builds: start, get, list, log, tail, abort', async () => {
  const done = await build({ branch: 'main' });
  assert.equal(done.status, 'SUCCESS', done.message);
  assert.deepEqual(ids((await api.get.service.builds.all({ parameters: place })).data.builds), [done.id]);
  assert.match(await logOf(done.id), /built for every call/);
  const options = { buildId: done.id, startTime: new Date(0) };
  const tail = await api.get.service.buildLogTail({ parameters: place, options });
  const lines = [];
  tail.on('logs-received', (received) => lines.push(...received.map(({ log }) => log)));
  const closed = once(tail, 'close');
  await tail.start();
  await closed;
  assert.equal(lines.join('\n'), await logOf(done.id));
  const { data: { id: buildId } } = await api.start.service.build({ parameters: place, data: { branch: 'main' } });
  await api.abort.service.build({ parameters: { ...place, buildId } });
  assert.ok((await ended(buildId)).concluded);
});

test('metrics of a build: single and range', async () => {
  const done = await build({ branch: 'main', overrides: { buildArguments: { SECONDS: '3' } } });
  assert.equal(done.status, 'SUCCESS', done.message);
  const options = { buildId: done.id, metricTypes: ['cpu', 'memory'] };
  const range = await api.get.service.buildMetricsRange({
    parameters: place,
    options: { ...options, startTime: new Date(done.createdAt), endTime: new Date() },
  });
  for (const type of options.metricTypes) {
    const { metricInfo, values } = range.data[type];
    assert.ok(metricInfo.metricUnit, type);
    assert.equal(values[0].metadata.containerId, done.id);
    assert.ok(values[0].data.length > 1, type);
    assert.ok(values[0].data.some(({ value }) => value > 0), type);
  }
  const single = await api.get.service.buildMetrics({
    parameters: place,
    options: { ...options, timestamp: new Date((done.buildConcludedAt - 1) * 1000) },
  });
  assert.ok(single.data.memory.values[0].data.length <= 1);
});

test('branches and pull requests', async () => {
  const branches = await api.get.service.branches.all({ parameters: place });
  assert.deepEqual(branches.data.branches.map(({ name }) => name), ['main']);
  const pulls = await api.get.service.pullRequests.all({ parameters: place });
  assert.deepEqual(pulls.data.pullRequests, []);
});

test('what a service builds: source, options, cache', async () => {
  const before = (await api.get.service({ parameters: place })).data;
  await api.update.service.buildOptions({
    parameters: place,
    data: { dockerfile: {}, includeGitFolder: true, dockerfileTarget: 'last' },
  });
  const changed = (await api.get.service({ parameters: place })).data;
  assert.equal(changed.buildConfiguration.includeGitFolder, true);
  assert.equal(changed.buildConfiguration.dockerfileTarget, 'last');
  const { projectUrl, projectType } = before.vcsData;
  await api.update.service.buildSource({ parameters: place, data: { projectUrl, projectType } });
  assert.equal((await api.get.service({ parameters: place })).data.vcsData.projectUrl, projectUrl);
  await api.reset.service.buildCache({ parameters: place });
  const again = await build({ branch: 'main' });
  assert.equal(again.status, 'SUCCESS', again.message);
  assert.equal(await refused(api.reset.service.buildCache({ parameters: { ...place, serviceId: 'none' } })), 404);
});
