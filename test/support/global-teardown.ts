// Jest takes the default export of a file.
export { stopRunBroker as default } from './run-broker.ts';
