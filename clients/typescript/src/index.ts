export { Boatyard, type BoatyardOptions, type BuildPlace } from './client.js';
export { BoatyardError, type Problem } from './error.js';
export type { components, operations, paths } from './schema.js';
export type { LogLine, TailOptions } from './tail.js';
export type { Data, Init, ListPath, PathOf, Row } from './types.js';
