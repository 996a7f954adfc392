// Jest takes the default export of a file.
export { startRunBroker as default } from './run-broker.ts';
