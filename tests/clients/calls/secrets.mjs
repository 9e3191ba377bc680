// Build arguments, files and mounts, of a service and from secret groups; account secrets; registries.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, ids, refused } from './recorder.mjs';
import { build, logOf, place } from './place.mjs';

const file = (text) => ({ data: Buffer.from(text).toString('base64'), encoding: 'utf-8' });
const group = { ...place, secretId: 'shared-values' };

test('secret groups: create, list, get, details, patch, put, update, delete', async () => {
  const made = await api.create.secret({
    parameters: place,
    data: {
      name: 'Shared Values',
      secretType: 'environment-arguments',
      type: 'secret',
      priority: 10,
      secrets: { variables: { WORD: 'from-the-group', SHARED: 'only-there' } },
    },
  });
  assert.equal(made.data.id, group.secretId);
  assert.deepEqual(ids((await api.list.secrets.all({ parameters: place })).data.secrets), [group.secretId]);
  assert.equal((await api.get.secret({ parameters: group })).data.secrets.variables.WORD, 'from-the-group');
  await api.patch.secret({ parameters: group, data: { description: 'patched' } });
  await api.update.secret({ parameters: group, data: { priority: 20 } });
  const details = (await api.get.secretDetails({ parameters: group })).data;
  assert.deepEqual([details.description, details.priority], ['patched', 20]);
  assert.equal(details.secrets.variables.SHARED, 'only-there');
  const second = { name: 'Second Group', secretType: 'arguments', priority: 1 };
  await api.put.secret({ parameters: place, data: second });
  await api.delete.secret({ parameters: { ...place, secretId: 'second-group' } });
  assert.equal(await refused(api.get.secret({ parameters: { ...place, secretId: 'second-group' } })), 404);
});

test('build arguments: update, get, details with inheritance, and a build that has them', async () => {
  await api.update.service.buildArguments({
    parameters: place,
    data: { buildArguments: { WORD: 'from-the-service' }, dockerSecretMounts: { token: file('whispered-word') } },
  });
  const { data } = await api.get.service.buildArguments({ parameters: place });
  assert.deepEqual(data.buildArguments, { WORD: 'from-the-service', SHARED: 'only-there' });
  const details = (await api.get.service.buildArgumentDetails({ parameters: place })).data.buildArguments;
  assert.equal(details.WORD.value, 'from-the-service');
  assert.equal(details.WORD.overriding[0].inheritedFrom, group.secretId);
  assert.equal(details.SHARED.inheritedFrom, group.secretId);
  const done = await build({ branch: 'main' });
  assert.equal(done.status, 'SUCCESS', done.message);
  const log = await logOf(done.id);
  assert.match(log, /word=from-the-service shared=\*\*\*/, 'what comes from a group of secrets is masked');
  assert.match(log, /14 letters of the token/);
  assert.doesNotMatch(log, /whispered-word/);
  await api.delete.secret({ parameters: group });
});

test('account secrets: create, list, get, patch, put, delete', async () => {
  const secretId = 'account-values';
  const made = { name: 'Account Values', type: 'secret', secrets: { values: { KEY: 'value' } } };
  await api.create.globalSecret({ data: made });
  assert.deepEqual(ids((await api.list.globalSecrets.all({})).data.secrets), [secretId]);
  await api.patch.globalSecret({ parameters: { secretId }, data: { description: 'patched' } });
  await api.put.globalSecret({ data: { ...made, description: 'put' } });
  const { data } = await api.get.globalSecret({ parameters: { secretId } });
  assert.equal(data.description, 'put');
  assert.deepEqual(data.secrets.values, { KEY: 'value' });
  await api.delete.globalSecret({ parameters: { secretId } });
  assert.equal(await refused(api.get.globalSecret({ parameters: { secretId } })), 404);
});

test('registry credentials: add, list, get, update, delete', async () => {
  const credentialId = 'company-registry';
  await api.add.registryCredentials({
    data: {
      name: 'Company Registry',
      provider: 'custom',
      registryUrl: 'https://registry.example.com',
      credentials: { username: 'puller', password: 'hush', scope: { pull: true, push: false } },
    },
  });
  assert.deepEqual(ids((await api.list.registryCredentials.all({})).data.credentials), [credentialId]);
  await api.update.registryCredentials({
    parameters: { credentialId },
    data: { credentials: { username: 'other', password: 'hush', scope: { pull: true } } },
  });
  const { data } = await api.get.registryCredentials({ parameters: { credentialId } });
  assert.equal(data.credentials.username, 'other');
  await api.delete.registryCredentials({ parameters: { credentialId } });
  assert.equal(await refused(api.get.registryCredentials({ parameters: { credentialId } })), 404);
});
