import type { MaybeOptionalInit } from 'openapi-fetch';
import type { PathsWithMethod } from 'openapi-typescript-helpers';
import type { paths } from './schema.js';

/** The methods that calls have. */
export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** The paths that have a call with the method. */
export type PathOf<M extends Method> = PathsWithMethod<paths, M>;

/** What a call takes: `params`, `body`, and `signal` to cancel it. */
export type Init<M extends Method, P extends PathOf<M>> = MaybeOptionalInit<paths[P], M>;

/** An argument that may be left out where everything in it may. */
export type InitArgument<M extends Method, P extends PathOf<M>> = Record<never, never> extends Init<M, P>
  ? [init?: Init<M, P>]
  : [init: Init<M, P>];

/** The body of a call's success. */
export type Answer<M extends Method, P extends PathOf<M>> = paths[P] extends {
  [method in M]: { responses: { 200: { content: { 'application/json': infer Body } } } };
}
  ? Body
  : never;

/** What a call answers: the `data` of its body. */
export type Data<M extends Method, P extends PathOf<M>> = Answer<M, P> extends { data: infer D } ? D : never;

/** The paths of lists that come in pages. */
export type ListPath = {
  [P in PathOf<'get'>]: Answer<'get', P> extends { pagination: unknown } ? P : never;
}[PathOf<'get'>];

/** One row of a list: what the array in its `data` holds. */
export type Row<P extends ListPath> = RowsOf<Data<'get', P>>[number];

type RowsOf<D> = { [K in keyof D]: D[K] extends readonly unknown[] ? D[K] : never }[keyof D];
