const path = require('node:path');
const { pathToFileURL } = require('node:url');

exports.workerUrl = pathToFileURL(path.join(__dirname, 'worker.js'));
// Compiled, it would become `require`, which cannot load an ES module.
exports.importModule = (url) => import(url);
