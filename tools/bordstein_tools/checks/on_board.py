"""What runs on a board while it is tested or watched: its own application, and beside it a task that only looks.

The application is started as main.py starts it, so that what is seen is what will run. OBSERVE prints, between the
application's own lines, lines of JSON that begin with MARK:

    {"sensor": id, "values": ["air/air_temperature=8.15", ...], "attempts", "errors": since the start, "failures": in a
     row, "warm", "warm_up_s"}                      when a sensor was read, or failed
    {"status": {...}}                               when something changed, and every BEAT_S

The values are as they go into the spool. A status has: boot; way (the network interface, null: none configured), up,
rssi (dBm); address (of the broker, once it was found), connected, problem (why not); receipt (highest pack of this
boot that the gateway has confirmed, null: none; what the broker kept from before is none), sampled (packs of this
boot), packs (that wait), dropped, corrupt, lost; clock ("set", "estimated", "unset"), now (Unix seconds); volts (mV,
null: not measured); heap (bytes free); sleeps (does the board, otherwise); idle (has it no broker); problems
(sentences).
"""

from ..board.on_board import NOT_EARLY

MARK = "\x02"
BEAT_S = 2
AWAKE_S = 3500
"""A board that sleeps is watched for so long at most; it stays awake for a little longer."""

PREPARE = (
    NOT_EARLY
    + """
try:
 with open('config.json') as _b_f:json.load(_b_f)['network']['wifi']
 import network
 network.WLAN(0).active(False)
except Exception:pass
"""
)
"""Before the soft reset, which the radio would outlive. Where there is no Wi-Fi its driver shall not take memory."""

_OBSERVE = """
def _b_app():
 import asyncio,gc,json
 from bordstein import app as m
 seen={'address':None,'receipt':None}
 look_up=m.look_up
 async def found(host):
  seen['address']=await look_up(host)
  return seen['address']
 m.look_up=found
 a=m.App()
 if a.cycle:a.cycle._stay_s=AWAKE
 from bordstein import clock,net,platform,senml
 def tell(**what):print(MARK+json.dumps(what))
 def confirmed(uplink):
  take=uplink.receipt
  def receipt(payload):
   take(payload)
   try:
    d=json.loads(payload)
    for b,_,n in [(d['boot'],0,d['seq'])]+[tuple(x) for x in d.get('more',())]:
     if b==a.spool.boot and n<a.spool.seq:seen['receipt']=max(n,-1 if seen['receipt'] is None else seen['receipt'])
   except (ValueError,KeyError,TypeError):pass
  uplink.receipt=receipt
 def sensor(name,s):
  values=[]
  if s.attempts and not s.failures:
   for n,v in s.values or ():
    try:values.append(senml.measurement(name+(n if n[0]=='.' else '/'+n),v))
    except (KeyError,TypeError):pass
  tell(sensor=name,values=values,attempts=s.attempts,errors=s.errors,failures=s.failures,warm=s.warm,
   warm_up_s=s.driver.WARM_UP_S if s.driver else 0)
 def status():
  i,l=net.current,a.link
  return {'boot':a.spool.boot,'way':i.name if i else None,'up':bool(i and i.isup()),'address':seen['address'],
   'connected':bool(l and l.connected),'problem':l.problem if l else '','idle':bool(l and l.idle),
   'receipt':seen['receipt'],'dropped':a.spool.dropped,'corrupt':a.spool.corrupt,'lost':a.sampler.lost,
   'clock':clock.quality(),'sleeps':bool(a.cycle),'problems':a.problems}
 async def observe():
  if a.uplink:confirmed(a.uplink)
  known,before,beat={},None,-99
  while True:
   for name,s in a.sampler.sensors.items():
    now=(s.attempts,s.errors,s.warm,s.driver is None)
    if known.get(name)!=now:
     known[name]=now
     sensor(name,s)
   now=status()
   if now!=before or clock.uptime()-beat>=BEAT:
    before,beat=now,clock.uptime()
    more={'rssi':net.rssi(),'volts':platform.voltage(),'packs':a.spool.packs,'sampled':a.spool.seq,
     'now':clock.now(),'heap':gc.mem_free()}
    more.update(now)
    tell(status=more)
   await asyncio.sleep_ms(500)
 async def both():
  asyncio.create_task(observe())
  await a.run()
 try:asyncio.run(both())
 except KeyboardInterrupt:pass
 a.guard.ended()
 a.spool.close()
_b_app()
"""
OBSERVE = _OBSERVE.replace("MARK", repr(MARK)).replace("BEAT", str(BEAT_S)).replace("AWAKE", str(AWAKE_S + 100))
