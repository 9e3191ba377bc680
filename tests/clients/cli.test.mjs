// The published command line, unmodified: log in, create, start, list, logs, abort.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { promisify } from 'node:util';

const { BOATYARD_HOST: host, BOATYARD_TOKEN: token, BOATYARD_REPOSITORY: projectUrl, HOME } = process.env;
const run = promisify(execFile);

/** Runs `northflank` and returns what it printed. */
async function northflank(...args) {
  const { stdout } = await run('node_modules/.bin/northflank', args, { env: process.env });
  return stdout;
}

/** The same, with its JSON output read. */
async function json(...args) {
  const text = await northflank(...args, '--output', 'json');
  return JSON.parse(text.slice(text.search(/[[{]/)));
}

/** A file with a request body. */
async function body(name, content) {
  const path = `${HOME}/${name}.json`;
  await writeFile(path, JSON.stringify(content));
  return path;
}

const place = ['--projectId', 'shop', '--serviceId', 'web'];

test('it logs in to the server', async () => {
  await northflank('login', '-n', 'local', '-t', token, '--host', host);
});

test('it makes a project and a service', async () => {
  const project = await body('project', { name: 'shop', region: 'local' });
  await northflank('create', 'project', '--file', project);
  const service = await body('service', {
    name: 'web',
    billing: { deploymentPlan: 'nf-compute-100-2' },
    vcsData: { projectUrl, projectType: 'self-hosted' },
    buildSettings: { dockerfile: { dockerFilePath: '/Dockerfile', dockerWorkDir: '/' } },
  });
  await northflank('create', 'service', 'build', '--projectId', 'shop', '--file', service);
  const listed = await northflank('list', 'projects');
  assert.match(listed, /shop/);
});

test('it changes and reads what it made, and lists what there is', async () => {
  const patch = await body('patch', { description: 'Better words' });
  await northflank('patch', 'service', 'build', ...place, '--file', patch);
  assert.equal((await json('get', 'service', ...place)).description, 'Better words');
  await northflank('patch', 'project', '--projectId', 'shop', '--file', patch);
  assert.equal((await json('get', 'project', '--projectId', 'shop')).description, 'Better words');
  const second = await body('second', { name: 'second', region: 'local' });
  await northflank('put', 'project', '--file', second);
  assert.match(await northflank('list', 'services', '--projectId', 'shop'), /web/);
  assert.match(await northflank('list', 'plans'), /nf-compute-20/);
  assert.match(await northflank('list', 'regions'), /local/);
  await northflank('delete', 'project', '--projectId', 'second', '--force');
  assert.doesNotMatch(await northflank('list', 'projects'), /second/);
});

test('it starts a build and sees it succeed', async () => {
  const start = await body('start', { branch: 'main' });
  await northflank('start', 'service', 'build', ...place, '--file', start);
  let builds;
  do {
    builds = await json('get', 'service', 'builds', ...place);
    builds = builds.builds ?? builds.data?.builds ?? builds;
  } while (!builds[0].concluded);
  assert.equal(builds[0].status, 'SUCCESS');
  const logs = await northflank('get', 'service', 'build-logs', ...place, '--buildId', builds[0].id);
  assert.match(logs, /built by the published command line/);
});

test('it follows the log of a build and aborts it', async () => {
  const start = await body('lasting', {
    branch: 'main',
    overrides: { buildArguments: { LASTING: 'yes' } },
  });
  const build = await json('start', 'service', 'build', ...place, '--file', start);
  const tail = spawn(
    'node_modules/.bin/northflank',
    ['get', 'service', 'build-logs', ...place, '--buildId', build.id, '--tail'],
    { env: process.env, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const closed = once(tail, 'close');
  let said = '';
  await new Promise((resolve) => {
    tail.stdout.on('data', (chunk) => {
      said += chunk;
      if (/^.*it lasts\s*$/m.test(said)) resolve();
    });
  });
  await northflank('abort', 'service', 'build', ...place, '--buildId', build.id);
  // It ends by itself: the build is over.
  assert.deepEqual(await closed, [0, null]);
  const after = await json('get', 'service', 'build', ...place, '--buildId', build.id);
  assert.equal(after.status, 'ABORTED');
});

test('it keeps secrets, and shows what a service builds with', async () => {
  const group = await body('group', {
    name: 'Shared Values',
    secretType: 'environment-arguments',
    priority: 10,
    secrets: { variables: { SHARED: 'only-there' } },
  });
  await northflank('create', 'secret', '--projectId', 'shop', '--file', group);
  assert.match(await northflank('list', 'secrets', '--projectId', 'shop'), /shared-values/);
  const one = ['--projectId', 'shop', '--secretId', 'shared-values'];
  assert.equal((await json('get', 'secret', ...one)).secrets.variables.SHARED, 'only-there');
  const shown = await json('get', 'service', 'build-arguments', ...place);
  assert.equal(shown.buildArguments.SHARED, 'only-there');
  await northflank('delete', 'secret', ...one, '--force');
});

test('it keeps tags, notifications and registry credentials', async () => {
  await northflank('add', 'tag', '--file', await body('tag', { name: 'frontend', color: '#57A4FF' }));
  assert.match(await northflank('list', 'tags'), /frontend/);
  await northflank('delete', 'tag', '--resourceTagId', 'frontend', '--force');
  const bell = await body('bell', {
    name: 'Build Bell',
    type: 'RAW_WEBHOOK',
    webhook: 'https://example.com/bell',
    events: { 'trigger:build:failure': true },
  });
  await northflank('create', 'notification', '--notificationId', 'build-bell', '--file', bell);
  assert.match(await northflank('list', 'notifications'), /build-bell/);
  const login = await body('login', {
    name: 'Company Registry',
    provider: 'custom',
    registryUrl: 'https://registry.example.com',
    credentials: { username: 'puller', password: 'hush', scope: { pull: true } },
  });
  await northflank('add', 'registry-credentials', '--file', login);
  const listed = await northflank('list', 'registry-credentials');
  assert.match(listed, /company-registry/);
  assert.doesNotMatch(listed, /hush/);
});

test('it says what the server said about a mistake', async () => {
  const start = await body('nothing', {});
  await assert.rejects(
    northflank('start', 'service', 'build', ...place, '--file', start, '--skipValidation'),
    (error) => /branch/.test(error.stdout + error.stderr),
  );
  await assert.rejects(
    northflank('get', 'service', 'build', ...place, '--buildId', 'no-such-1234'),
    (error) => /no-such-1234/.test(error.stdout + error.stderr),
  );
});

test('it deletes what it made', async () => {
  await northflank('delete', 'service', ...place, '--force');
  await northflank('delete', 'project', '--projectId', 'shop', '--force');
  assert.doesNotMatch(await northflank('list', 'projects'), /shop/);
});
