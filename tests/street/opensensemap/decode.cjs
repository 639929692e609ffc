// openSenseMap's own decoder: a body as a JSON string a line in, what it makes of it a line out. NODE_PATH says where it is.
const readline = require('node:readline');
const decoders = require('@sensebox/opensensemap-api-models/src/measurement/decoding');

async function answer(line) {
  const { type, body } = JSON.parse(line);
  if (!decoders[type]) return { error: `Unsupported content-type: ${type}` };
  try {
    const measurements = await decoders[type].decodeMessage(body);
    return {
      measurements: measurements.map(({ sensor_id, value, createdAt, location }) => ({
        sensor_id, value, createdAt: createdAt.toISOString(), location,
      })),
    };
  } catch (error) {
    return { error: error.message };
  }
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(JSON.stringify(await answer(line)) + '\n');
  }
  process.exit(0);
})();
