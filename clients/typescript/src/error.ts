/** One field of a request and what is wrong with it. */
export interface Problem {
  field: string;
  problem: string;
}

/** A call that the server refused, or could not answer. */
export class BoatyardError extends Error {
  override readonly name = 'BoatyardError';
  /** The HTTP status. */
  readonly status: number;
  /** A stable word to match on, like `not-found`. */
  readonly id: string;
  /** Each field that is wrong, where fields are. */
  readonly details: readonly Problem[];
  /** Seconds after which to try again, where the server says so. */
  readonly retryAfter: number | undefined;

  constructor(
    status: number,
    id: string,
    message: string,
    details: readonly Problem[] = [],
    retryAfter?: number,
  ) {
    super(message);
    this.status = status;
    this.id = id;
    this.details = details;
    this.retryAfter = retryAfter;
  }
}

/** What a failed answer says, whoever gave it: a proxy in between knows nothing of our envelope. */
export function errorOf(response: Response, body: unknown): BoatyardError {
  const error = field(body, 'error');
  const text = (name: string) => {
    const value = field(error, name);
    return typeof value === 'string' ? value : undefined;
  };
  const details = field(error, 'details');
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new BoatyardError(
    response.status,
    text('id') ?? 'unexpected-answer',
    text('message') ?? `The server answered ${response.status} ${response.statusText}`.trim(),
    Array.isArray(details) ? (details as Problem[]) : [],
    Number.isNaN(seconds) ? undefined : seconds,
  );
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
