// Every call of the published JavaScript client that the contract has, each in a small story. The
// last test fails when one was not made.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { made } from './calls/recorder.mjs';
import './calls/place.mjs';
import './calls/builds.mjs';
import './calls/secrets.mjs';
import './calls/people.mjs';
import './calls/integrations.mjs';

test('every call of the contract was made', async () => {
  const contract = JSON.parse(await readFile(process.env.BOATYARD_CONTRACT, 'utf8'));
  // What the published command line calls by itself, and its own suite exercises.
  const calls = contract.map(({ call }) => call).filter((call) => call !== '(cli login)');
  assert.ok(calls.length > 80);
  assert.deepEqual(calls.filter((call) => !made.has(call)), []);
});
