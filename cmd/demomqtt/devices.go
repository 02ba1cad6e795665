package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// home is the devices and how they are.
type home struct {
	publish func(topic, payload string, retain bool) error

	mu         sync.Mutex
	lampOn     bool
	brightness float64
	plugOn     bool
	energy     float64 // kWh
	tick       int
}

// bridgeDevices is what Zigbee2MQTT tells of a lamp and a sensor.
const bridgeDevices = `[
{"ieee_address":"0x00124b0000000001","type":"Router","friendly_name":"Sofa/Lamp","interview_state":"SUCCESSFUL","definition":{"model":"LED1545G12","vendor":"IKEA","exposes":[
  {"type":"light","features":[{"type":"binary","name":"state","property":"state","access":7,"value_on":"ON","value_off":"OFF","value_toggle":"TOGGLE"},
    {"type":"numeric","name":"brightness","property":"brightness","access":7,"value_min":0,"value_max":254}]},
  {"type":"numeric","name":"linkquality","property":"linkquality","access":1,"unit":"lqi","value_min":0,"value_max":255}]}},
{"ieee_address":"0x00124b0000000002","type":"EndDevice","friendly_name":"Greenhouse/Sensor","interview_state":"SUCCESSFUL","definition":{"model":"WSDCGQ11LM","vendor":"Aqara","exposes":[
  {"type":"numeric","name":"temperature","property":"temperature","access":1,"unit":"°C"},{"type":"numeric","name":"humidity","property":"humidity","access":1,"unit":"%"},
  {"type":"numeric","name":"battery","property":"battery","access":1,"unit":"%","value_min":0,"value_max":100},
  {"type":"numeric","name":"linkquality","property":"linkquality","access":1,"unit":"lqi","value_min":0,"value_max":255}]}}]`

// The plug as Tasmota announces it.
const (
	plugConfig  = `{"ip":"192.0.2.7","dn":"Washing machine","fn":["Washing machine"],"mac":"AABBCC001122","ofln":"Offline","onln":"Online","state":["OFF","ON","TOGGLE","HOLD"],"t":"washer","ft":"%prefix%/%topic%/","tp":["cmnd","stat","tele"],"rl":[1],"btn":[0],"so":{},"lt_st":0,"ver":1}`
	plugSensors = `{"sn":{"Time":"2026-03-21T18:30:00","ENERGY":{"Total":0,"Power":0,"Voltage":230}},"ver":1}`
)

// run announces the devices and lets them tell, until ctx ends.
func (h *home) run(ctx context.Context, every time.Duration) {
	h.say("zigbee2mqtt/bridge/state", `{"state":"online"}`, true)
	h.say("zigbee2mqtt/bridge/devices", bridgeDevices, true)
	h.say("zigbee2mqtt/bridge/groups", "[]", true)
	h.say("tasmota/discovery/AABBCC001122/config", plugConfig, true)
	h.say("tasmota/discovery/AABBCC001122/sensors", plugSensors, true)
	h.say("tele/washer/LWT", "Online", true)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			h.mu.Lock()
			h.tick++
			h.mu.Unlock()
			h.tellSensor()
			h.tellPlug()
			if h.tick%3 == 0 {
				h.setLamp([]byte("{}")) // it reports, as such lamps do
			}
		case <-ctx.Done():
			return
		}
	}
}

func (h *home) say(topic, payload string, retain bool) {
	_ = h.publish(topic, payload, retain) // a broker that is closing has nobody left to tell
}

// receive takes a command.
func (h *home) receive(_ *mochi.Client, _ packets.Subscription, p packets.Packet) {
	switch topic := p.TopicName; {
	case topic == "zigbee2mqtt/Sofa/Lamp/set":
		h.setLamp(p.Payload)
	case strings.HasPrefix(topic, "cmnd/washer/"):
		h.setPlug(strings.TrimPrefix(topic, "cmnd/washer/"), string(p.Payload))
	}
}

func (h *home) setLamp(payload []byte) {
	var set struct {
		State      *string
		Brightness *float64
	}
	if json.Unmarshal(payload, &set) != nil {
		return
	}
	h.mu.Lock()
	if set.State != nil {
		h.lampOn = *set.State == "ON" || *set.State == "TOGGLE" && !h.lampOn
	}
	if set.Brightness != nil {
		h.brightness, h.lampOn = *set.Brightness, *set.Brightness > 0
	}
	state := fmt.Sprintf(`{"state":%q,"brightness":%v,"linkquality":%d}`, onOff(h.lampOn), h.brightness, 100+h.tick%50)
	h.mu.Unlock()
	h.say("zigbee2mqtt/Sofa/Lamp", state, false)
}

func (h *home) setPlug(command, payload string) {
	h.mu.Lock()
	if strings.HasPrefix(command, "POWER") {
		h.plugOn = payload == "ON" || payload == "1" || payload == "TOGGLE" && !h.plugOn
	}
	state := fmt.Sprintf(`{"POWER":%q}`, onOff(h.plugOn))
	h.mu.Unlock()
	if command == "STATE" || strings.HasPrefix(command, "POWER") {
		h.say("stat/washer/RESULT", state, false)
	}
	h.tellPlug()
}

// tellSensor tells a greenhouse that cools and warms.
func (h *home) tellSensor() {
	h.mu.Lock()
	state := fmt.Sprintf(`{"temperature":%.1f,"humidity":%.0f,"battery":97,"linkquality":%d}`,
		19+5*math.Sin(float64(h.tick)/20), 60-10*math.Sin(float64(h.tick)/20), 100+h.tick%50)
	h.mu.Unlock()
	h.say("zigbee2mqtt/Greenhouse/Sensor", state, false)
}

// tellPlug tells a machine that washes for a while and is done then.
func (h *home) tellPlug() {
	h.mu.Lock()
	power := 0.0
	if h.plugOn {
		power = 2
		if h.tick%60 < 30 {
			power = 1800 + 200*math.Sin(float64(h.tick))
		}
	}
	h.energy += power / 1000 / 30 // two minutes of the demo's time
	state := fmt.Sprintf(`{"Time":"2026-03-21T18:30:00","ENERGY":{"Total":%.3f,"Power":%.0f,"Voltage":230}}`, h.energy, power)
	h.mu.Unlock()
	h.say("tele/washer/SENSOR", state, false)
}

func onOff(on bool) string {
	if on {
		return "ON"
	}
	return "OFF"
}
