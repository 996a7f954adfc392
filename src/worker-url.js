// By hand, since `import.meta` does not compile in the CommonJS build; worker-url.cjs is the same for that.
export const workerUrl = new URL('./worker.js', import.meta.url);
export const importModule = (url) => import(url);
