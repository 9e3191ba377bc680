// The published command line, unmodified: log in, create, start, list, logs, abort.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
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
