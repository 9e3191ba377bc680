import createClient, { type Client } from 'openapi-fetch';
import { errorOf } from './error.js';
import type { paths } from './schema.js';
import { type LogLine, type TailOptions, tail } from './tail.js';
import type { Answer, Data, InitArgument, ListPath, Method, PathOf, Row } from './types.js';

/** Where the server is, and who calls. */
export interface BoatyardOptions {
  /** The server's address, like `http://127.0.0.1:8484`. In a browser: the page's own unless given. */
  url?: string;
  /** An API token, or a function that gives the one of the moment. */
  token: string | (() => string | Promise<string>);
  /** Instead of the global `fetch`. */
  fetch?: (request: Request) => Promise<Response>;
}

/** A build, by what names it. */
export interface BuildPlace {
  projectId: string;
  serviceId: string;
  /** The service's newest build unless given. */
  buildId?: string;
  /** The token's own team unless given. */
  teamId?: string;
}

/**
 * A client of one server. Paths, parameters, bodies and answers are typed from the server's OpenAPI
 * document; an answer is the `data` of its envelope, a failure is thrown as `BoatyardError`, and
 * every call takes an `AbortSignal` as `signal`.
 */
export class Boatyard {
  readonly #url: string;
  readonly #token: () => Promise<string>;
  readonly #http: Client<paths>;

  constructor(options: BoatyardOptions) {
    const { token } = options;
    this.#url = (options.url ?? globalThis.location?.origin ?? '').replace(/\/+$/, '');
    this.#token = async () => (typeof token === 'function' ? token() : token);
    this.#http = createClient<paths>({
      baseUrl: this.#url,
      ...(options.fetch && { fetch: options.fetch }),
    });
    this.#http.use({
      onRequest: async ({ request }) => {
        request.headers.set('authorization', `Bearer ${await this.#token()}`);
        return request;
      },
    });
  }

  get<P extends PathOf<'get'>>(path: P, ...init: InitArgument<'get', P>): Promise<Data<'get', P>> {
    return this.#data('get', path, init[0]);
  }

  post<P extends PathOf<'post'>>(path: P, ...init: InitArgument<'post', P>): Promise<Data<'post', P>> {
    return this.#data('post', path, init[0]);
  }

  put<P extends PathOf<'put'>>(path: P, ...init: InitArgument<'put', P>): Promise<Data<'put', P>> {
    return this.#data('put', path, init[0]);
  }

  patch<P extends PathOf<'patch'>>(path: P, ...init: InitArgument<'patch', P>): Promise<Data<'patch', P>> {
    return this.#data('patch', path, init[0]);
  }

  delete<P extends PathOf<'delete'>>(path: P, ...init: InitArgument<'delete', P>): Promise<Data<'delete', P>> {
    return this.#data('delete', path, init[0]);
  }

  /** The pages of a list, one after another; the next is fetched when it is asked for. */
  async *pages<P extends ListPath>(path: P, ...init: InitArgument<'get', P>): AsyncGenerator<Row<P>[], void> {
    const given = (init[0] ?? {}) as { params?: { query?: object } };
    let cursor: string | undefined;
    do {
      const query = { ...given.params?.query, ...(cursor && { cursor }) };
      const page = (await this.#answer('get', path, {
        ...given,
        params: { ...given.params, query },
      })) as { data: object; pagination: { cursor?: string | null } };
      const rows = Object.values(page.data).find(Array.isArray);
      yield rows as Row<P>[];
      cursor = page.pagination.cursor ?? undefined;
    } while (cursor);
  }

  /** Every row of a list: `for await (const build of boatyard.list(…))`. Leaving the loop ends it. */
  async *list<P extends ListPath>(path: P, ...init: InitArgument<'get', P>): AsyncGenerator<Row<P>, void> {
    for await (const page of this.pages(path, ...init)) yield* page;
  }

  /** The lines of a build's log as they come, until the build is over or `signal` says stop. */
  async *tail(build: BuildPlace, options: TailOptions = {}): AsyncGenerator<LogLine, void> {
    const part = encodeURIComponent;
    const team = build.teamId === undefined ? '' : `/teams/${part(build.teamId)}`;
    const path = `/v1${team}/projects/${part(build.projectId)}/services/${part(build.serviceId)}/build-logs`;
    const url = new URL(`${this.#url}${path}`);
    if (build.buildId !== undefined) url.searchParams.set('buildId', build.buildId);
    yield* tail(url, await this.#token(), options);
  }

  async #data<M extends Method, P extends PathOf<M>>(method: M, path: P, init: unknown): Promise<Data<M, P>> {
    const answer = await this.#answer(method, path, init);
    return (answer as { data: Data<M, P> }).data;
  }

  async #answer<M extends Method, P extends PathOf<M>>(method: M, path: P, init: unknown): Promise<Answer<M, P>> {
    const send = this.#http.request as (method: M, path: P, init: unknown) => Promise<{
      data?: unknown;
      error?: unknown;
      response: Response;
    }>;
    const { data, error, response } = await send(method, path, init ?? {});
    if (!response.ok || data === undefined) throw errorOf(response, error);
    return data as Answer<M, P>;
  }
}
