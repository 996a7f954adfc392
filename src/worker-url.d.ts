/** The file that a worker thread runs. */
export declare const workerUrl: URL;
/** `import()` that stays one in the CommonJS build. */
export declare function importModule(url: string): Promise<unknown>;
