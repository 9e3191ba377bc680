// What the published command line's own rules refuse, the server refuses too, and names the field.
// The rules are read from the installed package; nothing of them is kept here.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';

const { BOATYARD_HOST: host, BOATYARD_TOKEN: token, BOATYARD_REPOSITORY: projectUrl } = process.env;
const { defaults } = createRequire(import.meta.url)('@northflank/cli/dist/defaults.js');

/** Where the server is kinder: it knows what is meant when these are left out. */
const OPTIONAL_HERE = new Set([
  'billing',
  'buildSettings.dockerfile.dockerFilePath',
  'buildSettings.dockerfile.dockerWorkDir',
  // Published as deprecated.
  'dockerfile.buildkit.internalCacheStorage',
]);

async function post(path, body) {
  const answer = await fetch(`${host}/v1${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: answer.status, ...(await answer.json()) };
}

const ODD = ['?', '-', ' ', '../..', '$x', 'ä', '{', 'a b c {', '', '/a/../b c'];

/** Values that a rule refuses, each with what is wrong about it. */
function* violations(rule, path = []) {
  const wrong = (value, why) => ({ path, value, why });
  switch (rule.type) {
    case 'string': {
      if (rule.enum) yield wrong('none-of-these', 'enum');
      if (rule.maxLength) yield wrong('a'.repeat(rule.maxLength + 1), 'maxLength');
      if (rule.minLength > 1) yield wrong('a'.repeat(rule.minLength - 1), 'minLength');
      if (rule.pattern) {
        const pattern = new RegExp(rule.pattern);
        const value = ODD.find((odd) => odd && !pattern.test(odd));
        assert.notEqual(value, undefined, `nothing odd for ${rule.pattern}`);
        yield wrong(value, 'pattern');
      }
      yield wrong(5, 'type');
      break;
    }
    case 'array':
      if (rule.maxItems) yield wrong(Array(rule.maxItems + 1).fill('a'), 'maxItems');
      yield wrong('text', 'type');
      for (const inner of violations(rule.items, [])) yield wrong([inner.value], `items: ${inner.why}`);
      break;
    case 'integer':
      if (rule.enum) yield wrong(rule.enum[0] + 1, 'enum');
      yield wrong('many', 'type');
      break;
    case 'number':
    case 'boolean':
      yield wrong('perhaps', 'type');
      break;
    case 'object':
      yield wrong('text', 'type');
      if (rule.additionalProperties === false) {
        yield { path: [...path, 'surprise'], value: 1, why: 'additionalProperties' };
      }
      for (const name of rule.required ?? []) {
        if (!OPTIONAL_HERE.has([...path, name].join('.'))) {
          yield { path: [...path, name], value: undefined, why: 'required' };
        }
      }
      for (const [name, inner] of Object.entries(rule.properties ?? {})) {
        yield* violations(inner, [...path, name]);
      }
      break;
    default:
      yield* violations((rule.oneOf ?? rule.anyOf).find(isOurs), path);
  }
}

/** Of several forms of a body, the one for a git repository with a Dockerfile. */
function isOurs(rule) {
  const names = Object.keys(rule.properties);
  return !names.includes('buildpack') && !names.includes('clusterId') && !names.includes('bundleUrl');
}

/** The body with the value at the path, objects on the way made as needed. */
function withValue(body, path, value) {
  if (path.length === 0) return value;
  const [name, ...rest] = path;
  return { ...body, [name]: withValue(body?.[name] ?? {}, rest, value) };
}

async function refusesAll(rule, path, body) {
  const missed = [];
  let count = 0;
  for (const violation of violations(rule)) {
    count += 1;
    const field = violation.path.join('.');
    const answer = await post(path, withValue(body, violation.path, violation.value));
    const fields = (answer.error?.details ?? []).map((detail) => detail.field);
    const named = field === '' || fields.some((name) => name.startsWith(field) || field.startsWith(name));
    if (answer.status !== 400 || !named) {
      const said = `${answer.error?.message ?? 'accepted'} ${JSON.stringify(fields)}`;
      missed.push(`${field} (${violation.why}): ${answer.status} ${said}`);
    }
  }
  assert.deepEqual(missed, []);
  return count;
}

const service = (name) => ({
  name,
  billing: {},
  vcsData: { projectUrl, projectType: 'self-hosted' },
  buildSettings: { dockerfile: { dockerFilePath: '/Dockerfile', dockerWorkDir: '/' } },
});

test('bodies of projects', async () => {
  const count = await refusesAll(defaults.create.project.opt.body, '/projects', { name: 'Fine' });
  assert.ok(count > 10, `${count} violations`);
  assert.equal((await post('/projects', { name: 'Fine' })).status, 200, 'nothing was stored before');
});

test('bodies of build services', async () => {
  const rule = defaults.create.service.build.opt.body;
  const count = await refusesAll(rule, '/projects/fine/services/build', service('Web'));
  assert.ok(count > 60, `${count} violations`);
  assert.equal((await post('/projects/fine/services/build', service('Web'))).status, 200);
});

test('bodies that change parts of a build service', async () => {
  const { buildOptions, buildSource } = defaults.update.service;
  const place = '/projects/fine/services/web';
  const options = await refusesAll(buildOptions.opt.body, `${place}/build-options`, { dockerfile: {} });
  assert.ok(options > 30, `${options} violations`);
  const source = await refusesAll(buildSource.opt.body, `${place}/build-source`, { projectUrl });
  assert.ok(source > 3, `${source} violations`);
});

test('bodies that start builds', async () => {
  const rule = defaults.start.service.build.opt.body;
  const count = await refusesAll(rule, '/projects/fine/services/web/build', { branch: 'main' });
  assert.ok(count > 15, `${count} violations`);
});

test('bodies of groups of secrets', async () => {
  const rule = defaults.create.secret.opt.body;
  const group = { name: 'Fine', secretType: 'arguments', priority: 1 };
  const count = await refusesAll(rule, '/projects/fine/secrets', group);
  assert.ok(count > 30, `${count} violations`);
  assert.equal((await post('/projects/fine/secrets', group)).status, 200, 'nothing was stored before');
});
