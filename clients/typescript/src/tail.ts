import { BoatyardError } from './error.js';

/** A line of a build's log. */
export interface LogLine {
  /** The build's id. */
  containerId: string;
  /** The text, without its line end. */
  log: string;
  /** When it was logged, ISO 8601 in microseconds. */
  ts: string;
}

/** From where a tail begins, what it leaves out, and when it stops. */
export interface TailOptions {
  /** Ends the tail; the iterator then throws the signal's reason. */
  signal?: AbortSignal;
  /** How many lines back it begins. Ten of the last half hour unless this or `startTime` is given. */
  lineLimit?: number;
  /** Begins with the lines since then, ISO 8601. */
  startTime?: string;
  textIncludes?: string;
  textNotIncludes?: string;
  regexIncludes?: string;
  regexNotIncludes?: string;
}

type Message =
  | { type: 'init'; data: { auth: string; message?: string } }
  | { type: 'log-lines'; data: LogLine[] }
  | { type: 'error'; data: { message: string } };

/** Node has a WebSocket of its own from version 22 on. */
async function socketClass(): Promise<typeof WebSocket> {
  if (typeof globalThis.WebSocket === 'function') return globalThis.WebSocket;
  const ws = await import('ws');
  return ws.WebSocket as unknown as typeof WebSocket;
}

/** Opens the WebSocket, says who calls, and gives out the lines. */
export async function* tail(url: URL, token: string, options: TailOptions): AsyncGenerator<LogLine, void> {
  const { signal, ...query } = options;
  signal?.throwIfAborted();
  url.searchParams.set('queryType', 'tail');
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new (await socketClass())(url);
  const inbox = new Inbox(socket);
  const abort = () => inbox.fail(signal?.reason);
  signal?.addEventListener('abort', abort);
  socket.addEventListener('open', () => {
    socket.send(JSON.stringify({ type: 'init', data: { auth: { type: 'apiToken', apiToken: token } } }));
  });
  try {
    for await (const message of inbox) {
      if (message.type === 'log-lines') yield* message.data;
      else if (message.type === 'error') throw new BoatyardError(400, 'tail-failed', message.data.message);
      else if (message.data.auth !== 'successful') {
        throw new BoatyardError(401, 'unauthorized', message.data.message ?? 'The token was refused.');
      }
    }
  } finally {
    signal?.removeEventListener('abort', abort);
    socket.close();
  }
}

/** The code of a WebSocket that closed as both sides meant it to. */
const CLOSED_WELL = [1000, 1005];

/** Messages that came and were not asked for yet. */
class Inbox implements AsyncIterable<Message> {
  readonly #messages: Message[] = [];
  #end: { error?: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(socket: WebSocket) {
    socket.addEventListener('message', ({ data }) => {
      this.#messages.push(JSON.parse(String(data)) as Message);
      this.#wake?.();
    });
    socket.addEventListener('close', ({ code }) => {
      const well = CLOSED_WELL.includes(code);
      this.#finish(well ? {} : { error: new Error(`The connection of the tail was lost (code ${code}).`) });
    });
    // What is wrong, `close` tells.
    socket.addEventListener('error', () => {});
  }

  fail(error: unknown): void {
    this.#messages.length = 0;
    this.#finish({ error });
  }

  #finish(end: { error?: unknown }): void {
    this.#end ??= end;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Message, void> {
    for (;;) {
      const message = this.#messages.shift();
      if (message) yield message;
      else if (this.#end) {
        if ('error' in this.#end) throw this.#end.error;
        return;
      } else {
        await new Promise<void>((wake) => {
          this.#wake = wake;
        });
      }
    }
  }
}
