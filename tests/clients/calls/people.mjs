// Teams, roles, members, tags.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, client, ids, refused } from './recorder.mjs';

const team = { teamId: 'second-team' };
const READ = 'Project > Projects > Manage > Read';
const CREATE = 'Project > Projects > Manage > Create';

test('teams: create, list, get, patch', async () => {
  const data = { name: 'Second Team', email: 'billing@example.com' };
  assert.equal((await api.create.team({ data })).data.id, team.teamId);
  assert.ok(ids((await api.list.teams.all({})).data.teams).includes(team.teamId));
  await api.patch.team({ parameters: team, data: { description: 'patched' } });
  assert.equal((await api.get.team({ parameters: team })).data.description, 'patched');
});

test('roles and members: what a member may do is what the role says, at once', async () => {
  const role = { ...team, roleId: 'reader' };
  const permissions = { projectScope: [READ], teamScope: [] };
  await api.create.teamRole({ parameters: team, data: { name: 'Reader', permissions } });
  assert.ok(ids((await api.list.teamRoles.all({ parameters: team })).data.roles).includes('reader'));
  const invited = await api.create.teamMemberInvite({ parameters: team, data: { email: 'ann@example.com' } });
  const { id: memberId, token } = invited.data;
  const ann = await client(token);
  assert.equal(await refused(ann.list.projects({})), 403);
  await api.create.teamRoleMember({ parameters: role, data: { userId: memberId } });
  assert.deepEqual((await ann.list.projects({})).data.projects, []);
  assert.deepEqual(ids((await api.list.teamRoleMembers.all({ parameters: role })).data.members), [memberId]);
  assert.ok(ids((await api.list.teamMembers.all({ parameters: team })).data.members).includes(memberId));

  assert.equal(await refused(ann.create.project({ data: { name: 'Not Hers' } })), 403);
  await api.patch.teamRole({ parameters: role, data: { permissions: { projectScope: [READ, CREATE] } } });
  assert.equal((await ann.create.project({ data: { name: 'Now Hers' } })).data.id, 'now-hers');
  await api.put.teamRole({ parameters: team, data: { name: 'Reader', description: 'put', permissions } });
  assert.equal((await api.get.teamRole({ parameters: role })).data.description, 'put');
  assert.equal(await refused(ann.create.project({ data: { name: 'Not Again' } })), 403);

  await api.delete.teamRoleMember({ parameters: { ...role, memberId } });
  assert.equal(await refused(ann.list.projects({})), 403);
  await api.delete.teamRole({ parameters: role });
  await api.delete.teamMember({ parameters: { ...team, memberId } });
  assert.equal(await refused(ann.list.projects({})), 401);
});

test('tags: add, list, get, put, patch, delete', async () => {
  const parameters = { resourceTagId: 'web-team' };
  assert.equal((await api.add.tag({ data: { name: 'web-team', color: '#57A4FF' } })).data.id, 'web-team');
  assert.ok(ids((await api.list.tags.all({})).data.tags).includes('web-team'));
  await api.put.tag({ data: { name: 'web-team', color: '#FFFFFF' } });
  await api.patch.tag({ parameters, data: { description: 'patched' } });
  const { data } = await api.get.tag({ parameters });
  assert.deepEqual([data.description, data.color], ['patched', '#FFFFFF']);
  await api.delete.tag({ parameters });
  assert.equal(await refused(api.get.tag({ parameters })), 404);
});
