// A process to kill: writes commits to a LevelDB until it dies. Each is one batch of rows with the number of the commit,
// so that what is found later tells whether commits are whole. With small buffers LevelDB compacts all the time.
import { ClassicLevel } from 'classic-level';

const [folder, mostCommits] = process.argv.slice(2);

const db = new ClassicLevel(folder, {
  keyEncoding: 'view',
  valueEncoding: 'view',
  writeBufferSize: 65_536,
});
await db.open();
const found = await db.get(Buffer.from('commit'));
const value = Buffer.alloc(400, 'x');
let commit = found === undefined ? 0 : Number(Buffer.from(found).toString());
const last = commit + Number(mostCommits);
process.stdout.write('ready\n');
while (commit < last) {
  commit++;
  const batch = db.batch();
  for (let row = 0; row < 10; row++) {
    value.writeUInt32BE(commit);
    batch.put(Buffer.from(`row ${row * 1000 + (commit % 1000)}`), Buffer.from(value));
  }
  batch.put(Buffer.from('commit'), Buffer.from(String(commit)));
  await batch.write();
}
await db.close();
