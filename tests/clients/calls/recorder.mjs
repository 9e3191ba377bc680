// The published JavaScript client, unmodified, behind a recorder that knows which calls were made.
import { ApiClient, ApiClientInMemoryContextProvider } from '@northflank/js-client';

const { BOATYARD_HOST: host, BOATYARD_TOKEN: token } = process.env;

/** The calls made so far, as the contract names them: `get.service.builds`. */
export const made = new Set();

function recording(target, name) {
  return new Proxy(target, {
    get: (of, key) => {
      const value = Reflect.get(of, key);
      if (typeof key !== 'string' || !['function', 'object'].includes(typeof value)) return value;
      return recording(value, name ? `${name}.${key}` : key);
    },
    apply: (call, self, args) => {
      made.add(name.replace(/\.all$/, ''));
      return Reflect.apply(call, self, args);
    },
  });
}

/** A client with a token; it throws what the server refuses. */
export async function client(apiToken = token) {
  const contexts = new ApiClientInMemoryContextProvider();
  await contexts.addContext({ name: 'local', token: apiToken, host });
  return recording(new ApiClient(contexts, { throwErrorOnHttpErrorCode: true }), '');
}

export const api = await client();

/** The status with which the server refuses a call. */
export async function refused(call) {
  try {
    await call;
  } catch (error) {
    return error.status;
  }
  throw new Error('the call was not refused');
}

/** The ids of rows. */
export const ids = (rows) => rows.map(({ id }) => id);
