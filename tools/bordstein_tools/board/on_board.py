"""What runs on a board at the other end of the cable: MicroPython, as text.

Names begin with _b_, so that nothing of a person at the prompt is overwritten. TOOLS is sent once a connection.
"""

TOOLS = """
import gc,hashlib,json,os,sys
from binascii import a2b_base64,b2a_base64,hexlify
gc.collect()
def _b_hash(path):
 h=hashlib.sha256()
 b=memoryview(bytearray(512))
 with open(path,'rb') as f:
  while True:
   n=f.readinto(b)
   if not n:return hexlify(h.digest()).decode()
   h.update(b[:n])
def _b_is(path):
 try:return os.stat(path)[0]&0x4000 and 2 or 1
 except OSError:return 0
def _b_tree(path,hashed):
 if _b_is(path)==2:
  for e in list(os.ilistdir(path)):_b_tree((path+'/' if path else '')+e[0],hashed)
 elif _b_is(path):print(json.dumps([path,os.stat(path)[6],_b_hash(path) if hashed else '']))
def _b_remove(path):
 kind=_b_is(path)
 if kind==2:
  for name in os.listdir(path):_b_remove(path+'/'+name)
  os.rmdir(path)
 elif kind:os.remove(path)
def _b_prune(path):
 for e in list(os.ilistdir(path)):
  if e[1]==0x4000:_b_prune(path+'/'+e[0])
 if not os.listdir(path):os.rmdir(path)
def _b_open(path):
 global _b_file
 at=path.find('/')
 while at>0:
  if not _b_is(path[:at]):os.mkdir(path[:at])
  at=path.find('/',at+1)
 _b_file=open(path,'wb')
def _b_close(path,name,digest):
 _b_file.close()
 if _b_hash(path)!=digest:
  os.remove(path)
  raise ValueError('flash')
 os.rename(path,name)
def _b_read(path):
 with open(path,'rb') as f:
  while True:
   d=f.read(384)
   if not d:break
   print(b2a_base64(d).decode().strip())
 print(_b_hash(path))
def _b_free():
 s=os.statvfs('.')
 print(json.dumps([s[0]*s[3],s[0]*s[2]]))
"""

FACTS = """
def _b_facts():
 import machine
 d={'device':hexlify(machine.unique_id()[:6]).decode(),'machine':sys.implementation[2],
  'micropython':'.'.join([str(n) for n in sys.implementation[1][:3]]),'mpy':sys.implementation[3]&255,
  'reset':machine.reset_cause(),'slot':'-'}
 try:
  with open('slot') as f:d['slot']=f.read(1)
 except (OSError,ValueError):pass
 gc.collect()
 d['heap']=gc.mem_free()
 try:
  if 'bordstein' not in sys.modules and d['slot'] in ('a','b'):sys.path.insert(0,d['slot'])
  import bordstein
  d['software']=bordstein.__version__
 except Exception as e:d['software']=None
 print(json.dumps(d))
_b_facts()
"""

LOG = """
if 'bordstein.log' in sys.modules:print(json.dumps(sys.modules['bordstein.log'].lines()))
else:
 try:
  with open('crash') as _b_f:print(json.dumps(_b_f.read().split('\\0')))
 except OSError:print('[]')
"""

NOT_EARLY = """
try:
 from bordstein.guard import Guard
 Guard().well()
except Exception:pass
"""
"""That we interrupted a start does not count as one that ended early: five of them, and a board is in safe mode."""

RESET = NOT_EARLY + "import machine\nmachine.reset()\n"

WIPES = """
def _b_wipes():
 try:from bordstein import wipe
 except Exception:return False
 return _b_is('boot.py')==_b_is('main.py')==1
print(json.dumps(_b_wipes()))
"""

ORDER_WIPE = """
with open('wipe','w'):pass
"""

WIPE = """
def _b_write_anew():
 for i in range(60):
  for n in os.listdir():
   with open(n+'~','wb') as f:f.write(bytes(64))
   os.remove(n+'~')
  print()
 try:
  with open('wipe.fill','wb') as f:
   while True:
    for i in range(32):f.write(bytes(512))
    print()
 except OSError:pass
def _b_wipe(kept):
 try:
  import machine
  machine.RTC().memory(b'')
 except Exception:pass
 for n in os.listdir():
  if n[-1]=='~' or not(n in kept or n.startswith('release.pub')):_b_remove(n)
  print()
 _b_write_anew()
 _b_remove('wipe.fill')
 _b_remove('wipe')
"""
