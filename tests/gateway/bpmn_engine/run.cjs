// Reads BPMN with bpmn-moddle, as bpmn-js and Camunda Modeler do, and runs it in bpmn-engine. Standard input: a JSON list
// of jobs {source, yes: [flow ids whose conditions hold], fail: [service task ids], message: boundary message to send}.
// Standard output: a list of {warnings, done: [ids in order], ended, error}.
"use strict";
const { readFileSync } = require("node:fs");

async function main() {
  const { Engine } = require("bpmn-engine");
  const { BpmnModdle } = require("bpmn-moddle");
  const camunda = require("camunda-bpmn-moddle/resources/camunda.json");
  const jobs = JSON.parse(readFileSync(0, "utf8"));
  const results = [];
  for (const job of jobs) results.push(await run(job, Engine, new BpmnModdle({ camunda }), camunda));
  process.stdout.write(JSON.stringify(results));
}

async function run(job, Engine, moddle, camunda) {
  const { warnings } = await moddle.fromXML(job.source);
  const done = [];
  const engine = new Engine({
    source: job.source,
    moddleOptions: { camunda },
    scripts: { register() {}, getScript: (_, { id }) => ({ execute: (__, next) => next(null, job.yes.includes(id)) }) },
    extensions: {
      services(activity) {
        if (activity.type === "bpmn:ServiceTask") {
          activity.behaviour.Service = class {
            execute(_, callback) {
              if (!job.fail.includes(activity.id)) return callback(null, {});
              const error = new Error("refused");
              error.code = activity.id;
              return callback(error);
            }
          };
        }
      },
    },
  });
  return await new Promise((resolve) => {
    const { EventEmitter } = require("node:events");
    const listener = new EventEmitter();
    listener.on("activity.wait", (api) => {
      if (api.type === "bpmn:UserTask" && job.message) {
        setImmediate(() => engine.execution.signal({ id: job.message }));
      } else if (api.type === "bpmn:UserTask") {
        done.push(api.id);
        setImmediate(() => api.signal({}));
      } else if (api.id === "Case_begins") {
        setImmediate(() => api.signal({}));
      }
    });
    listener.on("activity.end", (api) => {
      if (api.type === "bpmn:ServiceTask" || api.type === "bpmn:EndEvent") done.push(api.id);
    });
    const finish = (error) => resolve({ warnings: warnings.map(String), done, ended: !error, error: error ? String(error) : null });
    engine.execute({ listener }, (error) => finish(error));
  });
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
