// The bundle for browsers holds nothing of Node, and does the same.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { WebSocket } from 'ws';

test('the bundle for browsers lists and follows', async () => {
  const bundle = await readFile(new URL('../dist/browser.js', import.meta.url), 'utf8');
  assert.doesNotMatch(bundle, /\bfrom\s*"(node:|ws")|\brequire\("/);
  // What a browser has.
  globalThis.WebSocket = WebSocket;
  globalThis.location = { origin: process.env.BOATYARD_HOST };
  const { Boatyard } = await import('../dist/browser.js');
  const boatyard = new Boatyard({ token: process.env.BOATYARD_TOKEN });
  const plans = await boatyard.get('/v1/plans');
  assert.ok(plans.plans.length > 0);
  const nowhere = boatyard.tail({ projectId: 'none', serviceId: 'none' });
  await assert.rejects(nowhere.next(), { name: 'BoatyardError', id: 'tail-failed' });
});
