package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"hogar/gateway/home"
)

// Simulation is what can be done to a simulated house beside commanding it. Its methods
// are safe for concurrent use.
type Simulation interface {
	// State tells how the simulation runs.
	State() SimulationState
	// Fault breaks a device, or a bus by its name; kind none mends it.
	Fault(name, kind string) error
	// Speed lets the house run on so many times as fast as life; 0 stops it.
	Speed(times float64) error
	// SetClock sets the wall time, and nothing else: forward or back by so much (+1h30m, -2h),
	// or to a time (2026-12-01T10:00).
	SetClock(to string) error
	// Step lets a span of house time pass and then stops the house.
	Step(ctx context.Context, span time.Duration) error
}

// SimulationState is how a simulation runs.
type SimulationState struct {
	HouseTime time.Time         `json:"house_time"`
	Speed     float64           `json:"speed"`  // 0: it stands still
	Broken    map[string]string `json:"broken"` // kind of fault by device or bus
	Pins      map[string]string `json:"pins"`   // high or low, by the name of an output
}

// simulationOrder is the body of a request; one of its members is there.
type simulationOrder struct {
	Name  string   `json:"name,omitempty"`
	Fault string   `json:"fault,omitempty"`
	Speed *float64 `json:"speed,omitempty"`
	Step  string   `json:"step,omitempty"`
	Clock string   `json:"clock,omitempty"`
}

// simulation tells how the simulation runs, or changes that.
func (s *Server) simulation(w http.ResponseWriter, r *http.Request) {
	if s.Simulation == nil {
		refuse(w, http.StatusConflict, "this house is real", "hogar run --simulate runs a simulated one")
		return
	}
	if r.Method == http.MethodPost {
		if err := s.order(w, r); err != nil {
			refuse(w, http.StatusUnprocessableEntity, err.Error(), "")
			return
		}
	}
	reply(w, s.Simulation.State())
}

func (s *Server) order(w http.ResponseWriter, r *http.Request) error {
	var o simulationOrder
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	body.DisallowUnknownFields()
	if err := body.Decode(&o); err != nil {
		return err
	}
	switch {
	case o.Speed != nil:
		return s.Simulation.Speed(*o.Speed)
	case o.Clock != "":
		return s.Simulation.SetClock(o.Clock)
	case o.Step != "":
		span, err := home.ParseDuration(o.Step)
		if err != nil {
			return err
		}
		return s.Simulation.Step(r.Context(), span)
	}
	return s.Simulation.Fault(o.Name, o.Fault)
}

// Simulation asks how the simulation runs.
func (c *Client) Simulation(ctx context.Context) (SimulationState, error) {
	var s SimulationState
	err := c.call(ctx, http.MethodGet, "/api/simulation", nil, &s)
	return s, err
}

// Break breaks a device, or a bus by its name; kind none mends it.
func (c *Client) Break(ctx context.Context, name, kind string) (SimulationState, error) {
	return c.simulate(ctx, simulationOrder{Name: name, Fault: kind})
}

// Speed lets a simulated house run on so many times as fast as life; 0 stops it.
func (c *Client) Speed(ctx context.Context, times float64) (SimulationState, error) {
	return c.simulate(ctx, simulationOrder{Speed: &times})
}

// SetClock sets the wall time of a simulated house: +1h30m, -2h, or a time like
// 2026-12-01T10:00, of the house where it names no zone.
func (c *Client) SetClock(ctx context.Context, to string) (SimulationState, error) {
	return c.simulate(ctx, simulationOrder{Clock: to})
}

// Step lets a span of house time pass in a simulated house and then stops it.
func (c *Client) Step(ctx context.Context, span time.Duration) (SimulationState, error) {
	return c.simulate(ctx, simulationOrder{Step: home.FormatDuration(span)})
}

func (c *Client) simulate(ctx context.Context, o simulationOrder) (SimulationState, error) {
	var s SimulationState
	body, err := json.Marshal(o)
	if err == nil {
		err = c.call(ctx, http.MethodPost, "/api/simulation", body, &s)
	}
	return s, err
}
