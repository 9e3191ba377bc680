// Notifications and version control.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, ids, refused } from './recorder.mjs';

test('notifications: create, list, get, update, delete', async () => {
  const made = await api.create.notification({
    data: {
      name: 'Build Bell',
      type: 'RAW_WEBHOOK',
      webhook: 'https://example.com/bell',
      secret: 'hush',
      events: { 'trigger:build:failure': true },
    },
  });
  const parameters = { notificationId: made.data.id };
  assert.deepEqual(ids((await api.list.notifications.all({})).data.notificationIntegrations), [made.data.id]);
  await api.update.notification({ parameters, data: { events: { 'trigger:build:success': true } } });
  const { data } = await api.get.notification({ parameters });
  assert.equal(data.events['trigger:build:success'], true);
  await api.delete.notification({ parameters });
  assert.equal(await refused(api.get.notification({ parameters })), 404);
});

test('version control: links, repositories, branches, tokens', async () => {
  assert.deepEqual((await api.list.vcs({})).data.vcsAccountLinks, []);
  assert.deepEqual((await api.list.repos.all({})).data.repos, []);
  const repository = { vcsService: 'github', repositoryOwner: 'nobody', repositoryName: 'nothing' };
  assert.equal(await refused(api.list.branches({ parameters: repository })), 404);
  const link = { customVCSId: 'none', vcsLinkId: 'none' };
  assert.equal(await refused(api.create.customVcs.token({ parameters: link })), 404);
});
